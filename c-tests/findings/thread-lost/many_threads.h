// A leader with THREADS threads, all of which a child lacks.
#pragma once
#include "../../process.h"

static void *body(void *unused) {
    for (;;)
        syscall(SYS_pause);
    return unused;
}

int main(void) {
    pthread_attr_t small;
    pthread_t thread;
    CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 65536) == 0);
    for (int index = 0; index < THREADS; index++)
        CHECK(pthread_create(&thread, &small, body, NULL) == 0);
    fork_living_child();
    _exit(0);
}
