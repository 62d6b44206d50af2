// The only thread of the child waits for a semaphore that it has just made: a thread of its pool would have posted it, were there any.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit
// STDERR: join-lost-thread
#include "../../process.h"
#include <semaphore.h>

static void child_body(void) {
    sem_t fresh;
    CHECK(sem_init(&fresh, 0, 0) == 0);
    sem_wait(&fresh);
}

int main(void) {
    start_worker(stay_idle);
    fork_hanging_child("join-lost-thread", child_body);
    return 0;
}
