// A lock whose holder was lost two forks ago.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-EVENT: fork kind=fork count=2
#include "../../held_mutex.h"

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}

static void fork_once_more(void) {
    fork_hanging_child("lock-deadlock", child_body);
}

int main(void) {
    start_worker(run_and_stay);
    fork_working_child(fork_once_more);
    return 0;
}
