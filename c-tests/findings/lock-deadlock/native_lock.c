// A child waits for a lock that no hook knows, in a function whose name says so: a signal's handler is no reason to think that it ends.
// FLAGS: -g
// EXPECT: lock-deadlock severity=error state=hit subject~lock subject~worker count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.function=own_lock_slow]
// EXPECT-LAST: lock-orphaned hit subject~lock count=1
// EXPECT-NOT: join-lost-thread
// STDERR: lock-deadlock
#include "native_lock.h"

static own_lock lock = 1;

static void nothing(int signal) {
    (void)signal;
}

static void child_body(void) {
    signal(SIGTERM, nothing);
    own_lock_slow(&lock);
}

int main(void) {
    start_worker(stay_idle);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
