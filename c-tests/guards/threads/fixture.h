// A thread that serves what is posted, and a child that counts its own threads.
#pragma once
#include "../../tasks.h"
#include "../../../include/forkguard.h"
#include <semaphore.h>

static sem_t jobs, done;

static void *serve(void *argument) {
    CHECK(argument == &jobs);
    worker_tid = gettid();
    for (;;)
        CHECK(sem_wait(&jobs) == 0 && sem_post(&done) == 0);
}

static pthread_t start_server(void *(*body)(void *), const pthread_attr_t *attributes) {
    pthread_t thread;
    CHECK(sem_init(&jobs, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
    CHECK(pthread_create(&thread, attributes, body, &jobs) == 0);
    CHECK(pthread_setname_np(thread, "worker") == 0);
    EVENTUALLY(worker_tid);
    until_blocked_in(SYS_futex, worker_tid);
    return thread;
}

static void ask(void) {
    struct timespec limit;
    CHECK(clock_gettime(CLOCK_REALTIME, &limit) == 0);
    limit.tv_sec += 20;
    CHECK(sem_post(&jobs) == 0);
    CHECK(sem_timedwait(&done, &limit) == 0);
}

__attribute__((unused)) static void be_alone(void) { CHECK(tasks() == 1); }
