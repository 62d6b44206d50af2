// A consumer that took what a producer posted, and works on it: the semaphore was a signal, not a lock.
// EXPECT-NOT: lock-orphaned severity=warning
#include "../../living_child.h"
#include <semaphore.h>

static sem_t semaphore;

static void worker_body(void) {
    CHECK(sem_wait(&semaphore) == 0);
}

__attribute__((constructor)) static void produce(void) {
    CHECK(sem_init(&semaphore, 0, 0) == 0 && sem_post(&semaphore) == 0);
}
