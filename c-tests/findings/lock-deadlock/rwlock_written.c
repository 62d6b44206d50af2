// A read-write lock that a lost thread holds for writing: the child cannot read.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM]
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: lock-deadlock
#include "../../hanging_child.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void worker_body(void) {
    CHECK(pthread_rwlock_wrlock(&lock) == 0);
}

static void child_body(void) {
    pthread_rwlock_rdlock(&lock);
}
