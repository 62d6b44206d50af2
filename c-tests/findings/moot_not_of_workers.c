// Children that waited for work before they ended: what they had lost stayed lost; only what they never touched does no harm any more.
// EXPECT-LAST: thread-lost open count=40
// EXPECT-LAST: lock-orphaned moot count=40
// EXPECT-LAST: timer-lost open count=40
// EXPECT-LAST-NOT: connection-inherited moot
// EXPECT-EVENT: child count=40
#include "moot.h"

// Before the leader has told of it.
static void wait_for_nothing(void) {
    poll(NULL, 0, 0);
}

int main(void) {
    make_hazards();
    fork_children(wait_for_nothing);
    return 0;
}
