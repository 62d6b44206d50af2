// A read-write lock that a lost thread holds for writing: the child cannot read.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~deadlock_rwlock_written]
// EXPECT: lock-deadlock sites=[role=waits,frames.module~deadlock_rwlock_written]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: lock-deadlock
#include "bite.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void work(void) {
    CHECK(pthread_rwlock_wrlock(&lock) == 0);
}

static void bite(void) {
    pthread_rwlock_rdlock(&lock);
}
