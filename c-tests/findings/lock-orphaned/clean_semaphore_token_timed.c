// A thread waits for a semaphore that it made and took itself, as CPython's conditions do, until its time is up: still nobody's lock.
// EXPECT: lock-orphaned severity=info count=1
// EXPECT-NOT: lock-orphaned severity=warning
#include "../../living_child.h"
#include <semaphore.h>

static void worker_body(void) {
    static sem_t token;
    CHECK(sem_init(&token, 0, 1) == 0);
    CHECK(sem_wait(&token) == 0);
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    FAILS(ETIMEDOUT, sem_timedwait(&token, &now));
}
