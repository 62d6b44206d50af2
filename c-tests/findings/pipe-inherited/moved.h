// Pipes of which an end is moved to another number.
#pragma once
#include "fixture.h"
#include <fcntl.h>

// Starts a filter that reads a pipe to its end, and puts the write end in the place of the read end, as Perl does.
static pid_t start_filter(int *end) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t filter = fork();
    CHECK(filter >= 0);
    if (filter == 0) {
        CHECK(close(ends[1]) == 0);
        read_all(ends[0]);
    }
    CHECK(dup3(ends[1], ends[0], O_CLOEXEC) == ends[0] && close(ends[1]) == 0);
    *end = ends[0];
    return filter;
}
