// The only thread of the child waits for a condition that a lost thread would signal.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit
// STDERR: join-lost-thread
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void child_body(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    for (;;)
        pthread_cond_wait(&condition, &mutex);
}

int main(void) {
    start_worker(stay_idle);
    fork_hanging_child("join-lost-thread", child_body);
    return 0;
}
