// A thread of the child runs into the lock of a lost thread, and another one of the child releases it: said before the wait, taken
// back after it.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT-LAST: lock-deadlock resolved count=1
// EXPECT-LAST-NOT: lock-orphaned open
#include "../../working_child.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void worker_body(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

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
