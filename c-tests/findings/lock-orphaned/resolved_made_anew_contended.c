// The child makes the locks of a lost thread anew, and threads of its own wait for each other there.
// EXPECT: lock-orphaned state=open count=4
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: lock-orphaned resolved count=4
#include "../../working_child.h"
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t semaphore;
static atomic_bool spins;

static void take(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_rwlock_wrlock(&rwlock) == 0 && sem_wait(&semaphore) == 0);
    spins = true;
    CHECK(pthread_spin_lock(&spin) == 0);
}

static void make(void) {
    CHECK(pthread_spin_init(&spin, 0) == 0 && sem_init(&semaphore, 0, 1) == 0);
}

static void worker_body(void) {
    make();
    CHECK(sem_wait(&semaphore) == 0 && sem_post(&semaphore) == 0);
    take();
}

static void *take_and_give(void *unused) {
    worker_tid = gettid();
    take();
    CHECK(pthread_spin_unlock(&spin) == 0 && sem_post(&semaphore) == 0);
    CHECK(pthread_rwlock_unlock(&rwlock) == 0 && pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void child_body(void) {
    pthread_t thread;
    make();
    CHECK(pthread_mutex_init(&mutex, NULL) == 0 && pthread_rwlock_init(&rwlock, NULL) == 0);
    take();
    worker_tid = 0;
    spins = false;
    CHECK(pthread_create(&thread, NULL, take_and_give, NULL) == 0);
    EVENTUALLY(worker_tid);
    until_blocked_in(SYS_futex, worker_tid);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    until_blocked_in(SYS_futex, worker_tid);
    CHECK(pthread_rwlock_unlock(&rwlock) == 0);
    until_blocked_in(SYS_futex, worker_tid);
    CHECK(sem_post(&semaphore) == 0);
    EVENTUALLY(spins);
    CHECK(pthread_spin_unlock(&spin) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}
