// The only thread of the child waits at a barrier that a lost thread would have come to.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit
// STDERR: join-lost-thread
#include "../../process.h"

static pthread_barrier_t barrier;

static void child_body(void) {
    pthread_barrier_wait(&barrier);
}

int main(void) {
    CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0);
    start_worker(stay_idle);
    fork_hanging_child("join-lost-thread", child_body);
    return 0;
}
