// A process that the leader starts before the fork.
#pragma once
#include "../../check.h"
#include <signal.h>

// The child was ended by this signal.
#define KILLED(child, signal) \
    do { int status_ = status_of(child); CHECK(WIFSIGNALED(status_) && WTERMSIG(status_) == (signal)); } while (0)

static pid_t helper;

__attribute__((noinline)) static void start_helper(void) {
    helper = fork();
    CHECK(helper >= 0);
    while (helper == 0)
        pause();
}
