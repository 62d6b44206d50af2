// A thread that waits for a condition does not hold the mutex.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: fork counts.locks=0 threads=[name=worker,recorded=true,stood.role=stood]
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *body(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    worker_tid = gettid();
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    return unused;
}

int main(void) {
    start_worker_blocked_in(SYS_futex, body);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    fork_living_child();
    return 0;
}
