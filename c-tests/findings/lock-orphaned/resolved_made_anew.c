// The child makes the locks of a lost thread anew, by each way there is, and uses them.
// EXPECT: lock-orphaned state=open count=5
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: lock-orphaned resolved count=5
#include "../../working_child.h"
#include <semaphore.h>

static pthread_mutex_t initialised = PTHREAD_MUTEX_INITIALIZER, assigned = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t semaphore;

static void use(void) {
    CHECK(pthread_mutex_lock(&initialised) == 0 && pthread_mutex_lock(&assigned) == 0);
    CHECK(pthread_rwlock_wrlock(&rwlock) == 0 && pthread_spin_lock(&spin) == 0 && sem_wait(&semaphore) == 0);
}

static void leave(void) {
    CHECK(sem_post(&semaphore) == 0 && pthread_spin_unlock(&spin) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    CHECK(pthread_mutex_unlock(&assigned) == 0 && pthread_mutex_unlock(&initialised) == 0);
}

static void worker_body(void) {
    CHECK(pthread_spin_init(&spin, 0) == 0 && sem_init(&semaphore, 0, 1) == 0);
    use();
    leave();
    use();
}

static void child_body(void) {
    CHECK(pthread_mutex_init(&initialised, NULL) == 0 && pthread_rwlock_init(&rwlock, NULL) == 0);
    assigned = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    CHECK(pthread_spin_init(&spin, 0) == 0 && sem_init(&semaphore, 0, 1) == 0);
    for (int round = 0; round < 3; round++) {
        use();
        leave();
    }
}
