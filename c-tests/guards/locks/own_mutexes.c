// FORKGUARD_LOCKS=reset: what the forking thread itself holds is held by the child's thread, however often it forks.
// ENV: FORKGUARD_LOCKS=reset
// EXPECT: lock-orphaned state=open count=6
// EXPECT-NOT: lock-deadlock
// EXPECT-LAST: lock-orphaned resolved because~'forkguard reset it' count=6
// EXPECT-EVENT: child cures=[guard=locks,action~owner,subject~'recursive mutex']
#include "../../process.h"

static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t errorcheck = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_mutex_t inheriting;
static pthread_rwlock_t written = PTHREAD_RWLOCK_INITIALIZER;

static void *finds_free(void *unused) {
    CHECK(pthread_mutex_trylock(&recursive) == 0 && pthread_mutex_unlock(&recursive) == 0);
    CHECK(pthread_mutex_trylock(&errorcheck) == 0 && pthread_mutex_unlock(&errorcheck) == 0);
    CHECK(pthread_mutex_trylock(&inheriting) == 0 && pthread_mutex_unlock(&inheriting) == 0);
    CHECK(pthread_rwlock_trywrlock(&written) == 0 && pthread_rwlock_unlock(&written) == 0);
    return unused;
}

static void *finds_held(void *unused) {
    CHECK(pthread_mutex_trylock(&recursive) == EBUSY && pthread_mutex_trylock(&errorcheck) == EBUSY);
    CHECK(pthread_mutex_trylock(&inheriting) == EBUSY && pthread_rwlock_tryrdlock(&written) == EBUSY);
    return unused;
}

static void unlock_those_that_know_their_owner(void) {
    CHECK(pthread_mutex_lock(&errorcheck) == EDEADLK);
    CHECK(pthread_mutex_lock(&recursive) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_mutex_unlock(&recursive) == 0);
    CHECK(pthread_mutex_unlock(&recursive) == EPERM);
    CHECK(pthread_mutex_unlock(&errorcheck) == 0);
}

static void unlock_the_others(void) {
    CHECK(pthread_mutex_unlock(&inheriting) == 0 && pthread_rwlock_unlock(&written) == 0);
}

static void deal_in_grandchild(void) {
    unlock_those_that_know_their_owner();
    in_thread(finds_free, NULL);
}

// As daemons do: a child forks, and goes on like its own child.
static void child_body(void) {
    unlock_the_others();
    fork_working_child(deal_in_grandchild);
    deal_in_grandchild();
}

int main(void) {
    pthread_mutexattr_t attributes;
    CHECK(pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
    CHECK(pthread_mutex_init(&inheriting, &attributes) == 0);
    start_worker(stay_idle);
    CHECK(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_lock(&recursive) == 0);
    CHECK(pthread_mutex_lock(&errorcheck) == 0 && pthread_mutex_lock(&inheriting) == 0);
    CHECK(pthread_rwlock_wrlock(&written) == 0);
    fork_working_child(child_body);
    in_thread(finds_held, NULL);
    unlock_the_others();
    deal_in_grandchild();
    return 0;
}
