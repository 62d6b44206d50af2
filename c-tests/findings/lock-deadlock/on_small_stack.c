// A thread with the smallest stack there is runs into the lock.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../held_mutex.h"
#include "../../working_child.h"
#include <limits.h>

static void *wait_for_lock(void *unused) {
    pthread_mutex_lock(&mutex);
    return unused;
}

static void child_body(void) {
    pthread_attr_t small;
    pthread_t thread;
    CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN) == 0);
    CHECK(pthread_create(&thread, &small, wait_for_lock, NULL) == 0);
    EVENTUALLY(reported(getpid(), "lock-deadlock"));
}
