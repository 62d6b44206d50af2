// A thread that waits for `condition`, without an end.
#pragma once
#include "process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *wait_for_condition(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    worker_tid = gettid();
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    return unused;
}
