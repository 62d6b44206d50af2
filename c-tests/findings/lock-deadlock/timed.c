// Waits with a deadline for locks that a lost thread holds: they end by themselves, so nothing is certain but that each was in vain.
// EXPECT: lock-orphaned count=3
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: lock-orphaned hit count=3
#include "../../working_child.h"
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;

static void worker_body(void) {
    CHECK(sem_init(&semaphore, 0, 1) == 0);
    CHECK(sem_wait(&semaphore) == 0 && sem_post(&semaphore) == 0 && sem_wait(&semaphore) == 0);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_rwlock_wrlock(&rwlock) == 0);
}

static void child_body(void) {
    struct timespec soon = from_now(CLOCK_REALTIME, 5), later = from_now(CLOCK_MONOTONIC, 5);
    CHECK(pthread_mutex_timedlock(&mutex, &soon) == ETIMEDOUT);
    CHECK(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &later) == ETIMEDOUT);
    CHECK(pthread_rwlock_timedrdlock(&rwlock, &soon) == ETIMEDOUT);
    CHECK(pthread_rwlock_timedwrlock(&rwlock, &soon) == ETIMEDOUT);
    FAILS(ETIMEDOUT, sem_timedwait(&semaphore, &soon));
}
