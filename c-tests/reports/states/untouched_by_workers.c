// Children that waited for work before they ended: what they had lost stayed lost; what they never touched did no harm this time.
// EXPECT: lock-orphaned severity=warning count=40
// EXPECT-LAST: thread-lost open count=40
// EXPECT-LAST: lock-orphaned untouched severity=info count=40
// EXPECT-LAST: timer-lost open count=40
// EXPECT-LAST: connection-inherited untouched count=40
// EXPECT-LAST: epoll-inherited untouched count=40
// EXPECT-EVENT: child count=40
#include "fixture.h"

// Before the leader has reported the fork.
static void wait_for_nothing(void) {
    poll(NULL, 0, 0);
}

int main(void) {
    make_hazards();
    fork_children(wait_for_nothing);
    return 0;
}
