// Two threads of the child, and both wait: one for a condition that only a lost thread would signal, the main thread for the other's end.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit
// STDERR: join-lost-thread
#include "../../condition_waiter.h"

static void child_body(void) {
    pthread_join(start_worker_blocked_in(SYS_futex, wait_for_condition), NULL);
}

int main(void) {
    start_worker(stay_idle);
    fork_hanging_child("join-lost-thread", child_body);
    return 0;
}
