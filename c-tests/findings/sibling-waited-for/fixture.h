// A leader with a child that runs until the leader lets it end, and another one.
#pragma once
#include "../../process.h"
#include <sys/resource.h>

static pid_t sibling;
static int release;

__attribute__((noinline)) static void start_sibling(void) {
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    sibling = fork();
    CHECK(sibling >= 0);
    if (sibling == 0) {
        close(ends[1]);
        while (read(ends[0], &byte, 1) > 0)
            continue;
        _exit(3);
    }
    CHECK(close(ends[0]) == 0);
    release = ends[1];
}

__attribute__((unused)) static void in_other_child(void (*body)(void)) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(close(release) == 0);
        body();
        _exit(0);
    }
    EXITED(child, 0);
}

__attribute__((unused)) static void end_sibling(void) {
    CHECK(close(release) == 0);
    EXITED(sibling, 3);
}
