// A thread of the child runs into the lock of a lost thread, and another one of the child releases it: written before the wait, taken
// back after it.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT-LAST: lock-deadlock resolved count=1
// EXPECT-LAST-NOT: lock-orphaned open
#include "../../held_mutex.h"
#include "../../working_child.h"

static void *lock_and_unlock(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void child_body(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, lock_and_unlock, NULL) == 0);
    EVENTUALLY(reported(getpid(), "lock-deadlock"));
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}
