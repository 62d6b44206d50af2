// A worker that takes a lock on the line that the fixtures name.
#pragma once
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *take_and_stay(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    stay();
}
