// A thread polls a lock that a lost thread holds, a thousand times: one word for all of them.
// EXPECT: lock-orphaned count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-EVENT: finding-state state=hit count=1
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../held_mutex.h"
#include "../../working_child.h"

static void child_body(void) {
    for (int round = 0; round < 1000; round++) {
        struct timespec now = from_now(CLOCK_REALTIME, 0);
        CHECK(pthread_mutex_timedlock(&mutex, &now) == ETIMEDOUT);
    }
}
