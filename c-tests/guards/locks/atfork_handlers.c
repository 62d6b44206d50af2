// FORKGUARD_LOCKS=reset: libraries that look after their locks themselves, each in its way, find them as they expect.
// ENV: FORKGUARD_LOCKS=reset
// EXPECT-NOT: lock-deadlock
// EXPECT-NO-EVENT: finding severity=error
// EXPECT: lock-orphaned state=open count=5
// EXPECT-LAST: lock-orphaned resolved count=5
#include "../../working_child.h"
#include <semaphore.h>

static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER, errorcheck = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP, made_anew = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t unlocked = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;

static void take(void) {
    CHECK(pthread_mutex_lock(&normal) == 0 && pthread_mutex_lock(&recursive) == 0 && pthread_mutex_lock(&errorcheck) == 0);
    CHECK(pthread_rwlock_wrlock(&lock) == 0 && sem_wait(&semaphore) == 0);
}

static void release(void) {
    CHECK(sem_post(&semaphore) == 0 && pthread_rwlock_unlock(&lock) == 0);
    CHECK(pthread_mutex_unlock(&errorcheck) == 0 && pthread_mutex_unlock(&recursive) == 0 && pthread_mutex_unlock(&normal) == 0);
}

static void in_child_handler(void) {
    release();
    CHECK(pthread_mutex_init(&made_anew, NULL) == 0);
    // Of a lost thread; forkguard was first.
    CHECK(pthread_mutex_unlock(&unlocked) == 0);
}

static void worker_body(void) {
    CHECK(sem_init(&semaphore, 0, 1) == 0);
    CHECK(pthread_atfork(take, release, in_child_handler) == 0);
    CHECK(pthread_mutex_lock(&made_anew) == 0 && pthread_mutex_lock(&unlocked) == 0);
}

static void use(pthread_mutex_t *mutex) {
    CHECK(pthread_mutex_lock(mutex) == 0);
    CHECK(pthread_mutex_trylock(mutex) == (mutex == &recursive ? 0 : EBUSY));
    if (mutex == &recursive)
        CHECK(pthread_mutex_unlock(mutex) == 0);
    CHECK(pthread_mutex_unlock(mutex) == 0);
}

static void child_body(void) {
    pthread_mutex_t *all[] = {&normal, &errorcheck, &recursive, &made_anew, &unlocked};
    for (int i = 0; i < 5; i++)
        use(all[i]);
    CHECK(pthread_rwlock_trywrlock(&lock) == 0 && pthread_rwlock_unlock(&lock) == 0);
    int value;
    CHECK(sem_getvalue(&semaphore, &value) == 0 && value == 1);
}
