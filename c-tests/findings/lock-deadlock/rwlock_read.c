// A read-write lock that a lost thread holds for reading: the child may read, but never write.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM]
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: lock-deadlock
#include "../../hanging_child.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void worker_body(void) {
    CHECK(pthread_rwlock_rdlock(&lock) == 0);
}

static void child_body(void) {
    CHECK(pthread_rwlock_rdlock(&lock) == 0 && pthread_rwlock_unlock(&lock) == 0);
    CHECK(!reported(getpid(), "lock-deadlock"));
    pthread_rwlock_wrlock(&lock);
}
