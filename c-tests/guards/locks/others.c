// FORKGUARD_LOCKS=reset: spin locks, semaphores that act as locks, C11 mutexes. A semaphore that is a signal stays as it is.
// ENV: FORKGUARD_LOCKS=reset
// EXPECT: lock-orphaned state=open severity=warning subject~worker count=3
// EXPECT-NOT: lock-deadlock
// EXPECT-LAST: lock-orphaned resolved severity=warning because~'forkguard reset it' count=3
#include "../../working_child.h"
#include <semaphore.h>
#include <threads.h>

static pthread_spinlock_t spin;
static sem_t lock, signal_;
static mtx_t mutex;

__attribute__((constructor)) static void make(void) {
    CHECK(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE) == 0);
    CHECK(sem_init(&lock, 0, 1) == 0 && sem_init(&signal_, 0, 0) == 0);
    CHECK(mtx_init(&mutex, mtx_plain) == thrd_success);
    CHECK(sem_post(&signal_) == 0);
}

static void worker_body(void) {
    CHECK(pthread_spin_lock(&spin) == 0);
    CHECK(sem_wait(&lock) == 0 && sem_wait(&signal_) == 0);
    CHECK(mtx_lock(&mutex) == thrd_success);
}

static void child_body(void) {
    CHECK(pthread_spin_lock(&spin) == 0 && pthread_spin_trylock(&spin) == EBUSY && pthread_spin_unlock(&spin) == 0);
    CHECK(sem_wait(&lock) == 0);
    FAILS(EAGAIN, sem_trywait(&lock));
    CHECK(sem_post(&lock) == 0);
    FAILS(EAGAIN, sem_trywait(&signal_));
    CHECK(mtx_lock(&mutex) == thrd_success && mtx_trylock(&mutex) == thrd_busy && mtx_unlock(&mutex) == thrd_success);
}
