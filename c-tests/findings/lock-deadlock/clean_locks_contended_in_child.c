// Threads made in the child wait for each other, on locks that the leader made and on new ones, next to an orphan that nobody touches.
// EXPECT: lock-orphaned count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST-NOT: lock-orphaned hit
#include "../../working_child.h"
#include <semaphore.h>

struct locks {
    pthread_mutex_t mutex;
    pthread_rwlock_t rwlock;
    sem_t semaphore, given;
};

static pthread_mutex_t orphan = PTHREAD_MUTEX_INITIALIZER;
static struct locks inherited;

static void make(struct locks *locks) {
    CHECK(pthread_mutex_init(&locks->mutex, NULL) == 0 && pthread_rwlock_init(&locks->rwlock, NULL) == 0);
    CHECK(sem_init(&locks->semaphore, 0, 1) == 0 && sem_init(&locks->given, 0, 0) == 0);
}

static void worker_body(void) {
    make(&inherited);
    CHECK(pthread_mutex_lock(&inherited.mutex) == 0 && pthread_mutex_unlock(&inherited.mutex) == 0);
    CHECK(sem_wait(&inherited.semaphore) == 0 && sem_post(&inherited.semaphore) == 0);
    CHECK(pthread_mutex_lock(&orphan) == 0);
}

static void *wait_for_all(void *argument) {
    struct locks *locks = argument;
    worker_tid = gettid();
    CHECK(pthread_mutex_lock(&locks->mutex) == 0 && pthread_mutex_unlock(&locks->mutex) == 0);
    CHECK(pthread_rwlock_wrlock(&locks->rwlock) == 0 && pthread_rwlock_unlock(&locks->rwlock) == 0);
    CHECK(sem_wait(&locks->semaphore) == 0 && sem_post(&locks->semaphore) == 0);
    CHECK(sem_wait(&locks->given) == 0);
    return NULL;
}

// Each lock is let go when the other thread waits for it.
static void contend(struct locks *locks) {
    pthread_t thread;
    worker_tid = 0;
    CHECK(pthread_mutex_lock(&locks->mutex) == 0 && pthread_rwlock_rdlock(&locks->rwlock) == 0);
    CHECK(sem_wait(&locks->semaphore) == 0);
    CHECK(pthread_create(&thread, NULL, wait_for_all, locks) == 0);
    EVENTUALLY(worker_tid);
    until_blocked_in(SYS_futex, worker_tid);
    CHECK(pthread_mutex_unlock(&locks->mutex) == 0);
    CHECK(pthread_rwlock_unlock(&locks->rwlock) == 0);
    CHECK(sem_post(&locks->semaphore) == 0);
    until_blocked_in(SYS_futex, worker_tid);
    CHECK(sem_post(&locks->given) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void child_body(void) {
    struct locks fresh;
    make(&fresh);
    contend(&inherited);
    contend(&fresh);
}
