// A lock whose holder was lost two forks ago.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-EVENT: fork kind=fork count=2
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *body(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    stay();
}

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}

static void fork_once_more(void) {
    fork_hanging_child("lock-deadlock", child_body);
}

int main(void) {
    start_worker(body);
    fork_working_child(fork_once_more);
    return 0;
}
