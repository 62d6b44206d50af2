// pthread_cond_wait, timedwait, clockwait, destroy: the mutex is free while waiting and held after; errors.
#include "driver.h"

struct handover {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    bool given;
};

static void *give(void *argument) {
    struct handover *handover = argument;
    CHECK(pthread_mutex_lock(&handover->mutex) == 0);
    handover->given = true;
    CHECK(pthread_cond_signal(&handover->condition) == 0);
    CHECK(pthread_mutex_unlock(&handover->mutex) == 0);
    return NULL;
}

static int wait_plainly(struct handover *handover) {
    return pthread_cond_wait(&handover->condition, &handover->mutex);
}

static int wait_timed(struct handover *handover) {
    struct timespec late = from_now(CLOCK_REALTIME, 60000);
    return pthread_cond_timedwait(&handover->condition, &handover->mutex, &late);
}

static int wait_clocked(struct handover *handover) {
    struct timespec late = from_now(CLOCK_MONOTONIC, 60000);
    return pthread_cond_clockwait(&handover->condition, &handover->mutex, CLOCK_MONOTONIC, &late);
}

static void hand_over(int (*wait)(struct handover *), pthread_mutex_t mutex) {
    struct handover handover = {.mutex = mutex, .condition = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    CHECK(pthread_mutex_lock(&handover.mutex) == 0);
    CHECK(pthread_create(&thread, NULL, give, &handover) == 0);
    while (!handover.given)
        KEEPS_ERRNO(wait(&handover) == 0);
    CHECK(pthread_mutex_unlock(&handover.mutex) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(pthread_cond_destroy(&handover.condition) == 0);
    CHECK(pthread_mutex_destroy(&handover.mutex) == 0);
}

SNIPPET(every_wait_on_every_mutex) {
    int (*const waits[])(struct handover *) = {wait_plainly, wait_timed, wait_clocked};
    for (int index = 0; index < 3; index++) {
        hand_over(waits[index], (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER);
        hand_over(waits[index], (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP);
        hand_over(waits[index], (pthread_mutex_t)PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP);
    }
}

SNIPPET(times_out_with_the_mutex_held) {
    pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct timespec soon = from_now(CLOCK_REALTIME, 1), later = from_now(CLOCK_MONOTONIC, 1), bad = {.tv_nsec = -1};
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_cond_timedwait(&condition, &mutex, &soon) == ETIMEDOUT);
    CHECK(pthread_mutex_lock(&mutex) == EDEADLK);
    CHECK(pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &later) == ETIMEDOUT);
    CHECK(pthread_mutex_lock(&mutex) == EDEADLK);
    CHECK(pthread_cond_timedwait(&condition, &mutex, &bad) == EINVAL);
    CHECK(pthread_cond_clockwait(&condition, &mutex, CLOCK_PROCESS_CPUTIME_ID, &later) == EINVAL);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    // The wait needs the mutex: an error-checking one proves it.
    CHECK(pthread_cond_timedwait(&condition, &mutex, &soon) == EPERM);
    CHECK(pthread_cond_wait(&condition, &mutex) == EPERM);
}

struct held {
    struct handover handover;
    atomic_bool waiting;
    bool held_at_cancel;
};

static void note_held(void *argument) {
    struct held *held = argument;
    held->held_at_cancel = pthread_mutex_trylock(&held->handover.mutex) == EBUSY;
    CHECK(pthread_mutex_unlock(&held->handover.mutex) == 0);
}

static void *wait_for_ever(void *argument) {
    struct held *held = argument;
    CHECK(pthread_mutex_lock(&held->handover.mutex) == 0);
    pthread_cleanup_push(note_held, held);
    held->waiting = true;
    for (;;)
        CHECK(pthread_cond_wait(&held->handover.condition, &held->handover.mutex) == 0);
    pthread_cleanup_pop(0);
}

// A cancelled wait takes the mutex again before the cleanup handlers run.
SNIPPET(cancelled) {
    static struct held held;
    held = (struct held){.handover = {.mutex = PTHREAD_MUTEX_INITIALIZER, .condition = PTHREAD_COND_INITIALIZER}};
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, wait_for_ever, &held) == 0);
    EVENTUALLY(held.waiting);
    CHECK(pthread_mutex_lock(&held.handover.mutex) == 0);
    CHECK(pthread_mutex_unlock(&held.handover.mutex) == 0);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
    CHECK(held.held_at_cancel);
    CHECK(pthread_mutex_trylock(&held.handover.mutex) == 0);
    CHECK(pthread_mutex_unlock(&held.handover.mutex) == 0);
}

static void *wait_once(void *argument) {
    struct held *held = argument;
    CHECK(pthread_mutex_lock(&held->handover.mutex) == 0);
    held->waiting = true;
    while (!held->handover.given)
        CHECK(pthread_cond_wait(&held->handover.condition, &held->handover.mutex) == 0);
    CHECK(pthread_mutex_unlock(&held->handover.mutex) == 0);
    return NULL;
}

// A condition may be destroyed as soon as all who wait for it are woken: that waits until they have left it.
SNIPPET(destroyed_while_they_leave) {
    struct held held = {.handover = {.mutex = PTHREAD_MUTEX_INITIALIZER, .condition = PTHREAD_COND_INITIALIZER}};
    pthread_t threads[4];
    for (int index = 0; index < 4; index++) {
        held.waiting = false;
        CHECK(pthread_create(&threads[index], NULL, wait_once, &held) == 0);
        EVENTUALLY(held.waiting);
    }
    CHECK(pthread_mutex_lock(&held.handover.mutex) == 0);
    held.handover.given = true;
    CHECK(pthread_cond_broadcast(&held.handover.condition) == 0);
    CHECK(pthread_mutex_unlock(&held.handover.mutex) == 0);
    KEEPS_ERRNO(pthread_cond_destroy(&held.handover.condition) == 0);
    for (int index = 0; index < 4; index++)
        CHECK(pthread_join(threads[index], NULL) == 0);
    CHECK(pthread_cond_init(&held.handover.condition, NULL) == 0);
    CHECK(pthread_cond_destroy(&held.handover.condition) == 0);
}
