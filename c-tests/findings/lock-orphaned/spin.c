// A spin lock that another thread holds.
// EXPECT: lock-orphaned severity=warning state=open subject~worker count=1
// EXPECT-EVENT: fork counts.locks=1 locks=[kind=spin-lock,holder_name=worker,own=false]
#include "../../living_child.h"

static pthread_spinlock_t lock;

static void worker_body(void) {
    CHECK(pthread_spin_init(&lock, 0) == 0 && pthread_spin_lock(&lock) == 0);
}
