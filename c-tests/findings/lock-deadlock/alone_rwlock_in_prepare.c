// A process of one thread whose library locks for writing before the fork and unlocks in both processes after it: glibc lets only the
// writer unlock, and the child's thread has another number. Its next reader waits for ever.
// EXPECT: lock-orphaned severity=warning count=1
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../process.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void take(void) {
    CHECK(pthread_rwlock_wrlock(&lock) == 0);
}

static void release(void) {
    pthread_rwlock_unlock(&lock);
}

static void child_body(void) {
    pthread_rwlock_rdlock(&lock);
}

int main(void) {
    CHECK(pthread_atfork(take, release, release) == 0);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
