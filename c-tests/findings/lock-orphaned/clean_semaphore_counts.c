// A semaphore that counts free places: a lost thread has one of ten, the child finds nine.
// EXPECT-NOT: lock-orphaned
#include "../../living_child.h"
#include <semaphore.h>

static sem_t places;

static void worker_body(void) {
    CHECK(sem_init(&places, 0, 10) == 0 && sem_wait(&places) == 0);
}
