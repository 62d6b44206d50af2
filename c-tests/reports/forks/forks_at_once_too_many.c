// More threads are in the middle of a fork than can be told in full: each fork is told all the same, once, as what it is.
// EXPECT-EVENT: fork kind=fork count=24
// EXPECT-EVENT: fork count=24
// EXPECT-EVENT: exit forks=24 spawns=0 count=1
#include "../../process.h"

enum { FORKS = 24 };
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
