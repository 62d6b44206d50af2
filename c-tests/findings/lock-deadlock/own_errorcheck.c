// The forking thread holds its own error-checking mutex: the child's thread is another one to it, and relocks for ever.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

static void *idle(void *unused) {
    (void)unused;
    stay();
}

static void child_body(void) {
    CHECK(pthread_mutex_unlock(&mutex) == EPERM);
    pthread_mutex_lock(&mutex);
}

int main(void) {
    start_worker(idle);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
