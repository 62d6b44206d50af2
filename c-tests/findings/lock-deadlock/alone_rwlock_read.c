// The only thread of a process reads, forks, and its child wants to write: its own reader is in the way.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// STDERR: lock-deadlock
#include "../../process.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void child_body(void) {
    pthread_rwlock_wrlock(&lock);
}

int main(void) {
    CHECK(pthread_rwlock_rdlock(&lock) == 0);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
