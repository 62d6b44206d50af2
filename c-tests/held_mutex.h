// `mutex`, which a worker takes before the fork and holds.
#pragma once
#include "worker.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void worker_body(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}
