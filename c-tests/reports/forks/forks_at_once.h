// FORKS threads that are in the middle of a fork at the same time.
#pragma once
#include "../../process.h"

static pthread_barrier_t barrier;

static void prepare(void) {
    pthread_barrier_wait(&barrier);
}

static void *fork_with_the_others(void *unused) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    // None ends before all have forked.
    pthread_barrier_wait(&barrier);
    return unused;
}

int main(void) {
    pthread_t threads[FORKS];
    CHECK(pthread_barrier_init(&barrier, NULL, FORKS) == 0 && pthread_atfork(prepare, NULL, NULL) == 0);
    for (int index = 0; index < FORKS; index++)
        CHECK(pthread_create(&threads[index], NULL, fork_with_the_others, NULL) == 0);
    for (int index = 0; index < FORKS; index++)
        CHECK(pthread_join(threads[index], NULL) == 0);
    return 0;
}
