// An event loop that is opened before the fork, with what it reads, and children that close all of their descriptors but the log's.
#pragma once
#include "fixture.h"
#include <sys/epoll.h>

static int loop, table, wakes[2];

__attribute__((noinline)) static void open_loop(void) {
    loop = epoll_create1(EPOLL_CLOEXEC);
    table = open("/proc/self/status", O_RDONLY);
    CHECK(loop > 2 && table > 2 && pipe(wakes) == 0);
}

// A few numbers lie below the log's: range by range, as python-daemon does.
__attribute__((unused)) static void close_all_but_log(void) {
    for (int fd = 3; fd < log_file; fd++)
        close(fd);
    for (int fd = log_file + 1; fd < ALL; fd++)
        close(fd);
}
