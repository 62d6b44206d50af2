// A semaphore as a signal: a producer posts, a consumer has taken some and waits for the next. Nobody holds anything.
// EXPECT-NOT: lock-orphaned severity=warning
#include "../../process.h"
#include <semaphore.h>

static sem_t semaphore;

static void *body(void *unused) {
    worker_tid = gettid();
    for (;;)
        CHECK(sem_wait(&semaphore) == 0);
    return unused;
}

int main(void) {
    CHECK(sem_init(&semaphore, 0, 0) == 0);
    for (int round = 0; round < 5; round++)
        CHECK(sem_post(&semaphore) == 0);
    start_worker_blocked_in(SYS_futex, body);
    fork_living_child();
    return 0;
}
