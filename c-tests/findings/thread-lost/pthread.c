// A plain thread, named by its creator.
// EXPECT: thread-lost severity=warning state=open subject~worker count=1
// EXPECT-EVENT: fork kind=fork counts.threads=2 threads=[name=worker,recorded=true,forking=false,detached=false]
// EXPECT-EVENT: fork threads=[forking=true]
// EXPECT-EVENT: child findings.warning=1
// STDERR: worker
#include "../../living_child.h"

static void worker_body(void) {
}
