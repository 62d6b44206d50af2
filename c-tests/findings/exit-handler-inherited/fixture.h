// A file that is there before the fork, and a handler that removes it.
#pragma once
#include "../../check.h"
#include <fcntl.h>

static char path[32] = "exit_handler.XXXXXX";
static pid_t registered_in;

// Made long enough before the fork for a file system's clock to tell.
__attribute__((unused)) static void make_file(void) {
    int file = mkstemp(path);
    CHECK(file >= 0 && close(file) == 0);
    for (int i = 0; i < 100; i++)
        brief_pause();
    registered_in = getpid();
}
