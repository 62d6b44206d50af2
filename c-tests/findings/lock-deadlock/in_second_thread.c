// A second thread of the child runs into the lock; its main thread goes on.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../held_mutex.h"
#include "../../working_child.h"

static void *wait_for_lock(void *unused) {
    pthread_mutex_lock(&mutex);
    return unused;
}

static void child_body(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_for_lock, NULL) == 0);
    EVENTUALLY(reported(getpid(), "lock-deadlock"));
}
