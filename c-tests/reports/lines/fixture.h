// A worker that takes a lock on the line that the fixtures name.
#pragma once
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *take_and_stay(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    stay();
}

// Deletes the program's file; `path` gets its path.
__attribute__((unused)) static void delete_program(char path[4096]) {
    ssize_t length = readlink("/proc/self/exe", path, 4095);
    CHECK(length > 0);
    path[length] = 0;
    CHECK(unlink(path) == 0);
}
