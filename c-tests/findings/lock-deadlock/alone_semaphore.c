// The only thread of a process took the semaphore before the fork, and its child takes it again: nobody is there to post it.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// STDERR: lock-deadlock
#include "../../process.h"
#include <semaphore.h>

static sem_t semaphore;

static void child_body(void) {
    sem_wait(&semaphore);
}

int main(void) {
    CHECK(sem_init(&semaphore, 0, 1) == 0 && sem_wait(&semaphore) == 0);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
