// A read-write lock that another thread holds for writing.
// EXPECT: lock-orphaned severity=warning state=open subject~worker count=1
// EXPECT-EVENT: fork counts.locks=1 locks=[kind=rwlock-write,holder_name=worker,own=false]
#include "../../living_child.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void worker_body(void) {
    CHECK(pthread_rwlock_wrlock(&lock) == 0);
}
