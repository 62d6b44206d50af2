// A C11 mutex that another thread holds.
// EXPECT: lock-orphaned severity=warning state=open subject~worker count=1
// EXPECT-EVENT: fork counts.locks=1 locks=[kind=c11-mutex,holder_name=worker,own=false]
#include "../../living_child.h"
#include <threads.h>

static mtx_t mutex;

static void worker_body(void) {
    CHECK(mtx_init(&mutex, mtx_plain) == thrd_success && mtx_lock(&mutex) == thrd_success);
}
