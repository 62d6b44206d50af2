// A mutex that a lost thread holds: the child locks it.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: lock-deadlock
// EXPECT: lock-deadlock id~.1:lock-deadlock:
// EXPECT-LAST: thread-lost open
// STDERR: thread-lost
#include "../../held_mutex.h"
#include "../../hanging_child.h"

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}
