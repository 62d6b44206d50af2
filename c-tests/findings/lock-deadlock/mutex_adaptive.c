// An adaptive mutex that a lost thread holds.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM]
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: lock-deadlock
#include "../../hanging_child.h"

static pthread_mutex_t mutex = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;

static void worker_body(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}
