// pthread_rwlock_*: each way in for reading and writing, seen from outside; pthread_spin_*.
#include "driver.h"

static int timed_read(pthread_rwlock_t *lock) {
    struct timespec soon = from_now(CLOCK_REALTIME, 1);
    return pthread_rwlock_timedrdlock(lock, &soon);
}

static int clocked_read(pthread_rwlock_t *lock) {
    struct timespec soon = from_now(CLOCK_MONOTONIC, 1);
    return pthread_rwlock_clockrdlock(lock, CLOCK_MONOTONIC, &soon);
}

static int timed_write(pthread_rwlock_t *lock) {
    struct timespec soon = from_now(CLOCK_REALTIME, 1);
    return pthread_rwlock_timedwrlock(lock, &soon);
}

static int clocked_write(pthread_rwlock_t *lock) {
    struct timespec soon = from_now(CLOCK_MONOTONIC, 1);
    return pthread_rwlock_clockwrlock(lock, CLOCK_MONOTONIC, &soon);
}

typedef int way(pthread_rwlock_t *);
static way *const readers[] = {pthread_rwlock_rdlock, pthread_rwlock_tryrdlock, timed_read, clocked_read};
static way *const writers[] = {pthread_rwlock_wrlock, pthread_rwlock_trywrlock, timed_write, clocked_write};

struct attempt {
    pthread_rwlock_t *lock;
    way *way;
    int result;
};

static void *attempt_body(void *argument) {
    struct attempt *attempt = argument;
    attempt->result = attempt->way(attempt->lock);
    if (attempt->result == 0)
        CHECK(pthread_rwlock_unlock(attempt->lock) == 0);
    return NULL;
}

static int elsewhere(pthread_rwlock_t *lock, way *way) {
    struct attempt attempt = {lock, way, -1};
    in_thread(attempt_body, &attempt);
    return attempt.result;
}

static void admits_readers_only(pthread_rwlock_t *lock) {
    for (int index = 0; index < 4; index++) {
        KEEPS_ERRNO(readers[index](lock) == 0);
        CHECK(elsewhere(lock, pthread_rwlock_rdlock) == 0);
        CHECK(elsewhere(lock, pthread_rwlock_trywrlock) == EBUSY);
        CHECK(elsewhere(lock, timed_write) == ETIMEDOUT);
        CHECK(elsewhere(lock, clocked_write) == ETIMEDOUT);
        KEEPS_ERRNO(pthread_rwlock_unlock(lock) == 0);
        CHECK(elsewhere(lock, pthread_rwlock_wrlock) == 0);
    }
}

static void admits_none(pthread_rwlock_t *lock) {
    for (int index = 0; index < 4; index++) {
        KEEPS_ERRNO(writers[index](lock) == 0);
        CHECK(elsewhere(lock, pthread_rwlock_tryrdlock) == EBUSY);
        CHECK(elsewhere(lock, pthread_rwlock_trywrlock) == EBUSY);
        CHECK(elsewhere(lock, clocked_read) == ETIMEDOUT);
        CHECK(elsewhere(lock, timed_read) == ETIMEDOUT);
        CHECK(pthread_rwlock_rdlock(lock) == EDEADLK);
        CHECK(pthread_rwlock_wrlock(lock) == EDEADLK);
        KEEPS_ERRNO(pthread_rwlock_unlock(lock) == 0);
    }
}

SNIPPET(default_kind) {
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    admits_readers_only(&lock);
    admits_none(&lock);
    struct timespec bad = {.tv_nsec = -1};
    CHECK(pthread_rwlock_timedrdlock(&lock, &bad) == EINVAL);
    CHECK(pthread_rwlock_timedwrlock(&lock, &bad) == EINVAL);
    CHECK(pthread_rwlock_destroy(&lock) == 0);
}

SNIPPET(writers_first) {
    pthread_rwlock_t lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
    admits_readers_only(&lock);
    admits_none(&lock);
    CHECK(pthread_rwlock_destroy(&lock) == 0);
}

SNIPPET(read_twice) {
    pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    CHECK(pthread_rwlock_rdlock(&lock) == 0);
    CHECK(pthread_rwlock_rdlock(&lock) == 0);
    CHECK(pthread_rwlock_unlock(&lock) == 0);
    CHECK(elsewhere(&lock, pthread_rwlock_trywrlock) == EBUSY);
    CHECK(pthread_rwlock_unlock(&lock) == 0);
    CHECK(elsewhere(&lock, pthread_rwlock_trywrlock) == 0);
    CHECK(pthread_rwlock_destroy(&lock) == 0);
}

static void *spin_try(void *lock) {
    int result = pthread_spin_trylock(lock);
    return (void *)(intptr_t)result;
}

SNIPPET(spin) {
    pthread_spinlock_t lock;
    pthread_t thread;
    void *result;
    CHECK(pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE) == 0);
    KEEPS_ERRNO(pthread_spin_lock(&lock) == 0);
    CHECK(pthread_spin_trylock(&lock) == EBUSY);
    CHECK(pthread_create(&thread, NULL, spin_try, (void *)&lock) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == (void *)EBUSY);
    KEEPS_ERRNO(pthread_spin_unlock(&lock) == 0);
    CHECK(pthread_spin_trylock(&lock) == 0);
    CHECK(pthread_spin_unlock(&lock) == 0);
    CHECK(pthread_spin_destroy(&lock) == 0);
}
