// The only thread of a child waits for another at a barrier of its own process.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// STDERR: lock-deadlock
#include "../../process.h"

static pthread_barrier_t barrier;

static void child_body(void) {
    pthread_barrier_wait(&barrier);
}

int main(void) {
    CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
