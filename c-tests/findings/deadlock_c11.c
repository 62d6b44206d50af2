// A C11 mutex that a lost thread holds.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~deadlock_c11] sites=[role=waits,frames.module~deadlock_c11]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: lock-deadlock
#include "bite.h"
#include <threads.h>

static mtx_t mutex;

static void work(void) {
    CHECK(mtx_init(&mutex, mtx_plain) == thrd_success && mtx_lock(&mutex) == thrd_success);
}

static void bite(void) {
    mtx_lock(&mutex);
}
