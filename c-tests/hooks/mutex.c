// pthread_mutex_lock, trylock, timedlock, clocklock, unlock: every kind of mutex.
#include "driver.h"

static pthread_mutex_t make(int type, int robust, int shared, int protocol) {
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    CHECK(pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_settype(&attributes, type) == 0);
    CHECK(pthread_mutexattr_setrobust(&attributes, robust) == 0);
    CHECK(pthread_mutexattr_setpshared(&attributes, shared) == 0);
    CHECK(pthread_mutexattr_setprotocol(&attributes, protocol) == 0);
    CHECK(pthread_mutex_init(&mutex, &attributes) == 0);
    CHECK(pthread_mutexattr_destroy(&attributes) == 0);
    return mutex;
}

// What `attempt` on the mutex returns in another thread.
struct attempt {
    pthread_mutex_t *mutex;
    int (*call)(pthread_mutex_t *);
    int result;
};

static void *attempt_body(void *argument) {
    struct attempt *attempt = argument;
    attempt->result = attempt->call(attempt->mutex);
    if (attempt->result == 0)
        CHECK(pthread_mutex_unlock(attempt->mutex) == 0);
    return NULL;
}

static int elsewhere(pthread_mutex_t *mutex, int (*call)(pthread_mutex_t *)) {
    struct attempt attempt = {mutex, call, -1};
    in_thread(attempt_body, &attempt);
    return attempt.result;
}

static int timed(pthread_mutex_t *mutex) {
    struct timespec soon = from_now(CLOCK_REALTIME, 1);
    return pthread_mutex_timedlock(mutex, &soon);
}

static int clocked(pthread_mutex_t *mutex) {
    struct timespec soon = from_now(CLOCK_MONOTONIC, 1);
    return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &soon);
}

static int timed_wrongly(pthread_mutex_t *mutex) {
    struct timespec bad = {.tv_nsec = 1000000000};
    return pthread_mutex_timedlock(mutex, &bad);
}

// What holds for every kind: each way in, seen from outside.
static void excludes(pthread_mutex_t *mutex) {
    int (*const ways[])(pthread_mutex_t *) = {pthread_mutex_lock, pthread_mutex_trylock, timed, clocked};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        KEEPS_ERRNO(ways[way](mutex) == 0);
        CHECK(elsewhere(mutex, pthread_mutex_trylock) == EBUSY);
        CHECK(elsewhere(mutex, timed) == ETIMEDOUT);
        CHECK(elsewhere(mutex, clocked) == ETIMEDOUT);
        KEEPS_ERRNO(pthread_mutex_unlock(mutex) == 0);
        CHECK(elsewhere(mutex, pthread_mutex_lock) == 0);
    }
    CHECK(pthread_mutex_destroy(mutex) == 0);
}

SNIPPET(normal) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_mutex_trylock(&mutex) == EBUSY);
    CHECK(timed(&mutex) == ETIMEDOUT);
    CHECK(clocked(&mutex) == ETIMEDOUT);
    CHECK(timed_wrongly(&mutex) == EINVAL);
    CHECK(pthread_mutex_destroy(&mutex) == EBUSY);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    excludes(&mutex);
}

SNIPPET(adaptive) {
    pthread_mutex_t mutex = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
    excludes(&mutex);
}

SNIPPET(errorcheck) {
    pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
    CHECK(pthread_mutex_unlock(&mutex) == EPERM);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_mutex_lock(&mutex) == EDEADLK);
    CHECK(timed(&mutex) == EDEADLK);
    CHECK(clocked(&mutex) == EDEADLK);
    CHECK(pthread_mutex_trylock(&mutex) == EBUSY);
    CHECK(elsewhere(&mutex, pthread_mutex_unlock) == EPERM);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == EPERM);
    excludes(&mutex);
}

SNIPPET(recursive) {
    pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    CHECK(pthread_mutex_unlock(&mutex) == EPERM);
    for (int depth = 0; depth < 50; depth++)
        CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_mutex_trylock(&mutex) == 0);
    CHECK(timed(&mutex) == 0);
    CHECK(clocked(&mutex) == 0);
    for (int depth = 0; depth < 53; depth++) {
        CHECK(elsewhere(&mutex, pthread_mutex_trylock) == EBUSY);
        CHECK(pthread_mutex_unlock(&mutex) == 0);
    }
    CHECK(pthread_mutex_unlock(&mutex) == EPERM);
    excludes(&mutex);
}

static void *die_holding(void *mutex) {
    CHECK(pthread_mutex_lock(mutex) == 0);
    return NULL;
}

SNIPPET(robust) {
    pthread_mutex_t mutex = make(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_PRIVATE, PTHREAD_PRIO_NONE);
    int (*const ways[])(pthread_mutex_t *) = {pthread_mutex_lock, pthread_mutex_trylock, timed, clocked};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        in_thread(die_holding, &mutex);
        CHECK(ways[way](&mutex) == EOWNERDEAD);
        CHECK(pthread_mutex_lock(&mutex) == EDEADLK);
        CHECK(pthread_mutex_consistent(&mutex) == 0);
        CHECK(pthread_mutex_unlock(&mutex) == 0);
    }
    in_thread(die_holding, &mutex);
    CHECK(pthread_mutex_lock(&mutex) == EOWNERDEAD);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    CHECK(pthread_mutex_lock(&mutex) == ENOTRECOVERABLE);
    CHECK(pthread_mutex_trylock(&mutex) == ENOTRECOVERABLE);
    CHECK(pthread_mutex_destroy(&mutex) == 0);

    mutex = make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_PRIVATE, PTHREAD_PRIO_NONE);
    excludes(&mutex);
}

SNIPPET(priority_inheriting) {
    pthread_mutex_t mutex =
        make(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE, PTHREAD_PRIO_INHERIT);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_mutex_lock(&mutex) == EDEADLK);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    excludes(&mutex);
}

static void child_sees(void *mutex) {
    CHECK(pthread_mutex_trylock(mutex) == EBUSY);
    CHECK(timed(mutex) == ETIMEDOUT);
}

static void child_takes(void *mutex) {
    CHECK(pthread_mutex_lock(mutex) == 0);
    CHECK(pthread_mutex_unlock(mutex) == 0);
}

static void child_dies_holding(void *mutex) {
    CHECK(pthread_mutex_lock(mutex) == 0);
}

SNIPPET(process_shared) {
    pthread_mutex_t *mutex =
        mmap(NULL, sizeof *mutex, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(mutex != MAP_FAILED);
    *mutex = make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_SHARED, PTHREAD_PRIO_NONE);
    CHECK(pthread_mutex_lock(mutex) == 0);
    in_child(child_sees, mutex);
    CHECK(pthread_mutex_unlock(mutex) == 0);
    in_child(child_takes, mutex);
    in_child(child_dies_holding, mutex);
    CHECK(pthread_mutex_lock(mutex) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(mutex) == 0);
    CHECK(pthread_mutex_unlock(mutex) == 0);
    excludes(mutex);
    CHECK(munmap(mutex, sizeof *mutex) == 0);
}

static void child_reuses(void *mutex) {
    CHECK(pthread_mutex_trylock(mutex) == EBUSY);
    CHECK(pthread_mutex_unlock(mutex) == 0);
    CHECK(pthread_mutex_lock(mutex) == 0);
    CHECK(pthread_mutex_unlock(mutex) == 0);
}

// A normal mutex that the forking thread holds is the child's to unlock: libraries' child handlers do so.
SNIPPET(held_across_fork) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    in_child(child_reuses, &mutex);
    CHECK(pthread_mutex_trylock(&mutex) == EBUSY);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

SNIPPET(more_than_fit_any_table) {
    static pthread_mutex_t mutexes[3000];
    for (int index = 0; index < 3000; index++) {
        CHECK(pthread_mutex_init(&mutexes[index], NULL) == 0);
        CHECK(pthread_mutex_lock(&mutexes[index]) == 0);
    }
    for (int index = 0; index < 3000; index++) {
        CHECK(pthread_mutex_trylock(&mutexes[index]) == EBUSY);
        CHECK(pthread_mutex_unlock(&mutexes[index]) == 0);
    }
}
