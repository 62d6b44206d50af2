// A C11 mutex that a lost thread holds.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: lock-deadlock
#include "../../hanging_child.h"
#include <threads.h>

static mtx_t mutex;

static void worker_body(void) {
    CHECK(mtx_init(&mutex, mtx_plain) == thrd_success && mtx_lock(&mutex) == thrd_success);
}

static void child_body(void) {
    mtx_lock(&mutex);
}
