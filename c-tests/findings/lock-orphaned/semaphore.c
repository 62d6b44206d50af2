// A semaphore used as a lock: its holder has taken and given it before, and has it now.
// EXPECT: lock-orphaned severity=warning state=open subject~worker count=1
// EXPECT-EVENT: fork counts.locks=1 locks=[kind=semaphore,holder_name=worker,own=false]
#include "../../living_child.h"
#include <semaphore.h>

static sem_t semaphore;

static void worker_body(void) {
    CHECK(sem_init(&semaphore, 0, 1) == 0);
    for (int round = 0; round < 3; round++)
        CHECK(sem_wait(&semaphore) == 0 && sem_post(&semaphore) == 0);
    CHECK(sem_wait(&semaphore) == 0);
}
