// A correct server: no warning, and nothing printed.
// EXPECT-NOT: thread-lost
// EXPECT-NOT: lock-orphaned
// EXPECT-NOT: runtime-unsafe
// EXPECT-NOT: signals-blocked
// EXPECT-NOT: timer-lost
// EXPECT-NOT: connection-inherited
// EXPECT-EVENT: process mode=guard name=reports-process
// EXPECT-EVENT: fork kind=fork failed=null detail=full count=1
// EXPECT-EVENT: child settled=poll findings.error=0 findings.warning=0 count=1
// EXPECT-EVENT: exit status=0 call=exit forks=1 count=1
// STDERR-NOT: forkguard
#include "../../process.h"

int main(void) {
    fork_living_child();
    return 0;
}
