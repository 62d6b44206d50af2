// The same with C11's mutex.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// STDERR: lock-deadlock
#include "../../process.h"
#include <threads.h>

static mtx_t mutex;

static void child_body(void) {
    mtx_lock(&mutex);
}

int main(void) {
    CHECK(mtx_init(&mutex, mtx_plain) == thrd_success && mtx_lock(&mutex) == thrd_success);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
