// A file that the leader locks.
#pragma once
#include "../../process.h"
#include <fcntl.h>
#include <sys/file.h>

static int file;

// True when nobody else may lock it.
__attribute__((unused)) static bool is_locked(void) {
    int other = open("lock.pid", O_RDWR | O_CLOEXEC);
    CHECK(other >= 0);
    bool locked = flock(other, LOCK_EX | LOCK_NB) != 0;
    CHECK(close(other) == 0);
    return locked;
}
