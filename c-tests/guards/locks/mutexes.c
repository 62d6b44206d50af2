// FORKGUARD_LOCKS=reset: mutexes of every kind that a lost thread holds can be locked in the child, and are what they were.
// ENV: FORKGUARD_LOCKS=reset
// EXPECT: lock-orphaned state=open subject~worker count=5
// EXPECT-NOT: lock-deadlock
// EXPECT-LAST: lock-orphaned resolved because~'forkguard reset it' count=5
// EXPECT-EVENT: child cures=[guard=locks,action~usable,subject~recursive,subject~worker]
// STDERR-NOT: lock-orphaned
#include "../../working_child.h"

static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER, recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t errorcheck = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP, adaptive = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t inheriting;
static pthread_mutex_t *all[] = {&normal, &recursive, &errorcheck, &adaptive, &inheriting};

static void worker_body(void) {
    pthread_mutexattr_t attributes;
    CHECK(pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
    CHECK(pthread_mutex_init(&inheriting, &attributes) == 0);
    for (int i = 0; i < 5; i++)
        CHECK(pthread_mutex_lock(all[i]) == 0);
    CHECK(pthread_mutex_lock(&recursive) == 0);
}

static void *lock_and_unlock(void *mutex) {
    CHECK(pthread_mutex_lock(mutex) == 0 && pthread_mutex_unlock(mutex) == 0);
    return NULL;
}

static void child_body(void) {
    for (int i = 0; i < 5; i++) {
        CHECK(pthread_mutex_lock(all[i]) == 0);
        CHECK(pthread_mutex_trylock(all[i]) == (all[i] == &recursive ? 0 : EBUSY));
    }
    CHECK(pthread_mutex_lock(&errorcheck) == EDEADLK);
    CHECK(pthread_mutex_unlock(&recursive) == 0);
    for (int i = 0; i < 5; i++)
        CHECK(pthread_mutex_unlock(all[i]) == 0);
    CHECK(pthread_mutex_unlock(&errorcheck) == EPERM && pthread_mutex_unlock(&recursive) == EPERM);
    for (int i = 0; i < 5; i++)
        in_thread(lock_and_unlock, all[i]);
    for (int i = 0; i < 5; i++)
        CHECK(pthread_mutex_destroy(all[i]) == 0);
}
