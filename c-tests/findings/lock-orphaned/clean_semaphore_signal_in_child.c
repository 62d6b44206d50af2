// A semaphore as a signal: a lost consumer had taken some; in the child another thread posts what the main thread waits for.
// EXPECT-NOT: lock-orphaned severity=warning
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"
#include <semaphore.h>

static sem_t semaphore;
static pid_t child_tid;

static void *consume(void *unused) {
    worker_tid = gettid();
    for (;;)
        CHECK(sem_wait(&semaphore) == 0);
    return unused;
}

static void *produce(void *unused) {
    until_blocked_in(SYS_futex, child_tid);
    CHECK(sem_post(&semaphore) == 0);
    return unused;
}

static void wait_for_it(void) {
    pthread_t thread;
    child_tid = gettid();
    CHECK(pthread_create(&thread, NULL, produce, NULL) == 0);
    CHECK(sem_wait(&semaphore) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(void) {
    CHECK(sem_init(&semaphore, 0, 0) == 0);
    for (int round = 0; round < 5; round++)
        CHECK(sem_post(&semaphore) == 0);
    start_worker_blocked_in(SYS_futex, consume);
    fork_working_child(wait_for_it);
    return 0;
}
