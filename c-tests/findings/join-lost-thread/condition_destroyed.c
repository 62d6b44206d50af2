// The child destroys a condition that lost threads were waiting for: glibc waits for them to leave it.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit
// STDERR: join-lost-thread
#include "../../condition_waiter.h"

static void child_body(void) {
    pthread_cond_destroy(&condition);
}

int main(void) {
    start_worker_blocked_in(SYS_futex, wait_for_condition);
    fork_hanging_child("join-lost-thread", child_body);
    return 0;
}
