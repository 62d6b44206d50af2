// Children that exec at once: whatever they inherit is moot.
// EXPECT-LAST: thread-lost moot count=40
// EXPECT-LAST: lock-orphaned moot count=40
// EXPECT-LAST: timer-lost moot count=40
// EXPECT-NO-EVENT: child
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: worker
#include "fixture.h"

static void be_gone(void) {
    execl("/bin/true", "true", (char *)NULL);
}

int main(void) {
    make_hazards();
    fork_children(be_gone);
    return 0;
}
