// Two threads of the child, and both wait: one for a condition that only a lost thread would signal, the main thread for the other's end.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit
// STDERR: join-lost-thread
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *idle(void *unused) {
    (void)unused;
    stay();
}

static void *wait_for_ever(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    worker_tid = gettid();
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    return unused;
}

static void child_body(void) {
    pthread_join(start_worker_blocked_in(SYS_futex, wait_for_ever), NULL);
}

int main(void) {
    start_worker(idle);
    fork_hanging_child("join-lost-thread", child_body);
    return 0;
}
