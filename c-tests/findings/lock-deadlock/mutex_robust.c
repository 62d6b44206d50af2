// A robust mutex that a lost thread holds: its owner lives on in the leader, so there is no EOWNERDEAD.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM]
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../hanging_child.h"

static pthread_mutex_t mutex;

static void worker_body(void) {
    pthread_mutexattr_t robust;
    CHECK(pthread_mutexattr_init(&robust) == 0 && pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(&mutex, &robust) == 0 && pthread_mutex_lock(&mutex) == 0);
}

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}
