// A signal handler of a worker that has long settled runs into the lock.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-orphaned hit count=1
// EXPECT-EVENT: child settled=poll count=1
#include "../../held_mutex.h"
#include "../../hanging_child.h"

static void handle(int signal_number) {
    (void)signal_number;
    pthread_mutex_lock(&mutex);
}

static void child_body(void) {
    poll(NULL, 0, 0);
    CHECK(signal(SIGUSR1, handle) == SIG_DFL && raise(SIGUSR1) == 0);
}
