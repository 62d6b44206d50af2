// What the fixtures of findings share: a thread that stands still where it is told to, and a child that lives on.
#pragma once
#include "../check.h"
#include <poll.h>
#include <stdatomic.h>

static atomic_bool in_place;
static _Atomic pid_t worker_tid;

// The worker has done what it is for: it stays as it is, past the hooks, until the process ends.
__attribute__((noreturn, unused)) static void stay(void) {
    in_place = true;
    for (;;)
        syscall(SYS_pause);
}

// Starts a thread by the name of `worker` and waits until it stays.
__attribute__((unused)) static pthread_t start_worker(void *(*body)(void *)) {
    pthread_t thread;
    in_place = false;
    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    CHECK(pthread_setname_np(thread, "worker") == 0);
    EVENTUALLY(in_place);
    return thread;
}

// Starts a thread by the name of `worker` and waits until it is blocked in a system call; the body sets worker_tid first.
__attribute__((unused)) static pthread_t start_worker_blocked_in(long number, void *(*body)(void *)) {
    pthread_t thread;
    char path[64], text[128];
    long current = -1;
    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    CHECK(pthread_setname_np(thread, "worker") == 0);
    EVENTUALLY(worker_tid);
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", worker_tid);
    while (current != number) {
        FILE *stream = fopen(path, "re");
        CHECK(stream != NULL);
        if (!fgets(text, sizeof text, stream) || sscanf(text, "%ld", &current) != 1)
            current = -1;
        fclose(stream);
        brief_pause();
    }
    return thread;
}

// A worker process: it waits for work, which settles it, and ends.
__attribute__((noreturn, unused)) static void live(void) {
    poll(NULL, 0, 10);
    _exit(0);
}

__attribute__((unused)) static void fork_living_child(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        live();
    EXITED(child, 0);
}
