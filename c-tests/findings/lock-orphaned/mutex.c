// A mutex that another thread holds.
// EXPECT: lock-orphaned severity=warning state=open subject~worker count=1
// EXPECT-EVENT: fork counts.locks=1 locks=[kind=mutex,holder_name=worker,own=false]
#include "../../living_child.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void worker_body(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}
