// A lock that the main thread took when it was the only one: a thread forks, and the main thread is what the child lacks.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}

static void *fork_from_here(void *unused) {
    fork_hanging_child("lock-deadlock", child_body);
    return unused;
}

int main(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    in_thread(fork_from_here, NULL);
    return 0;
}
