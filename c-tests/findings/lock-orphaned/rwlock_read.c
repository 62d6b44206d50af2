// A read-write lock that another thread holds for reading: the child can never write.
// EXPECT: lock-orphaned severity=warning state=open subject~worker count=1
// EXPECT-EVENT: fork counts.locks=1 locks=[kind=rwlock-read,holder_name=worker,own=false]
#include "../../living_child.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void worker_body(void) {
    CHECK(pthread_rwlock_rdlock(&lock) == 0);
}
