// A C11 thread that waits for a condition does not hold the mutex.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: fork counts.locks=0 threads=[name=worker,recorded=true,stood.role=stood]
#include "../../process.h"
#include <threads.h>

static mtx_t mutex;
static cnd_t condition;

static void *body(void *unused) {
    CHECK(mtx_lock(&mutex) == thrd_success);
    worker_tid = gettid();
    for (;;)
        cnd_wait(&condition, &mutex);
    return unused;
}

int main(void) {
    CHECK(mtx_init(&mutex, mtx_plain) == thrd_success && cnd_init(&condition) == thrd_success);
    start_worker_blocked_in(SYS_futex, body);
    CHECK(mtx_lock(&mutex) == thrd_success && mtx_unlock(&mutex) == thrd_success);
    fork_living_child();
    return 0;
}
