// The only thread of the child waits for a C11 condition that a lost thread would signal.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit
// STDERR: join-lost-thread
#include "../../process.h"
#include <threads.h>

static mtx_t mutex;
static cnd_t condition;

static void child_body(void) {
    CHECK(mtx_lock(&mutex) == thrd_success);
    for (;;)
        cnd_wait(&condition, &mutex);
}

int main(void) {
    CHECK(mtx_init(&mutex, mtx_plain) == thrd_success && cnd_init(&condition) == thrd_success);
    start_worker(stay_idle);
    fork_hanging_child("join-lost-thread", child_body);
    return 0;
}
