// A leader that ignores SIGCHLD, and what its children do with programs of their own.
#pragma once
#include "../../process.h"
#include <sys/wait.h>

__attribute__((noinline)) static void ignore_children(void) { CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR); }

static pid_t started(void) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        _exit(3);
    return pid;
}

// Its leader cannot wait for its status either.
static void as_worker(void (*body)(void)) {
    int ends[2];
    char done = 0;
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        body();
        CHECK(write(ends[1], "x", 1) == 1);
        _exit(0);
    }
    close(ends[1]);
    CHECK(read(ends[0], &done, 1) == 1 && done == 'x');
    close(ends[0]);
}
