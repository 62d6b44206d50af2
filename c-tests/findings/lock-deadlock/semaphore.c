// A semaphore used as a lock, which a lost thread has taken.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: lock-deadlock
#include "../../hanging_child.h"
#include <semaphore.h>

static sem_t semaphore;

static void worker_body(void) {
    CHECK(sem_init(&semaphore, 0, 1) == 0);
    for (int round = 0; round < 3; round++)
        CHECK(sem_wait(&semaphore) == 0 && sem_post(&semaphore) == 0);
    CHECK(sem_wait(&semaphore) == 0);
}

static void child_body(void) {
    sem_wait(&semaphore);
}
