// Locks that a lost thread holds are only tried: that is no wait, and no harm.
// EXPECT: lock-orphaned count=4
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST-NOT: lock-orphaned hit
// EXPECT-LAST-NOT: lock-orphaned resolved
#include "../../working_child.h"
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t semaphore;

static void worker_body(void) {
    CHECK(sem_init(&semaphore, 0, 1) == 0 && pthread_spin_init(&spin, 0) == 0);
    CHECK(sem_wait(&semaphore) == 0 && sem_post(&semaphore) == 0 && sem_wait(&semaphore) == 0);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_rwlock_wrlock(&rwlock) == 0 && pthread_spin_lock(&spin) == 0);
}

static void child_body(void) {
    CHECK(pthread_mutex_trylock(&mutex) == EBUSY && pthread_spin_trylock(&spin) == EBUSY);
    CHECK(pthread_rwlock_tryrdlock(&rwlock) == EBUSY && pthread_rwlock_trywrlock(&rwlock) == EBUSY);
    FAILS(EAGAIN, sem_trywait(&semaphore));
}
