// The forking thread holds locks across the fork. In the child another thread waits for each of them, until the forking thread, which
// is the child's main thread now, lets it go.
// EXPECT: thread-lost count=1
// EXPECT-NOT: lock-orphaned
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"
#include <semaphore.h>
#include <threads.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, adaptive = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
static mtx_t c11;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;

static void *take_all(void *unused) {
    worker_tid = gettid();
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_lock(&adaptive) == 0 && mtx_lock(&c11) == thrd_success);
    CHECK(pthread_rwlock_wrlock(&rwlock) == 0 && sem_wait(&semaphore) == 0);
    return unused;
}

static void let_go(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, take_all, NULL) == 0);
    EVENTUALLY(worker_tid);
    until_blocked_in(SYS_futex, worker_tid);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    until_blocked_in(SYS_futex, worker_tid);
    CHECK(pthread_mutex_unlock(&adaptive) == 0);
    until_blocked_in(SYS_futex, worker_tid);
    CHECK(mtx_unlock(&c11) == thrd_success);
    until_blocked_in(SYS_futex, worker_tid);
    CHECK(pthread_rwlock_unlock(&rwlock) == 0);
    until_blocked_in(SYS_futex, worker_tid);
    CHECK(sem_post(&semaphore) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(void) {
    CHECK(sem_init(&semaphore, 0, 1) == 0 && mtx_init(&c11, mtx_plain) == thrd_success);
    start_worker(stay_idle);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_lock(&adaptive) == 0 && mtx_lock(&c11) == thrd_success);
    CHECK(pthread_rwlock_rdlock(&rwlock) == 0 && sem_wait(&semaphore) == 0);
    fork_working_child(let_go);
    return 0;
}
