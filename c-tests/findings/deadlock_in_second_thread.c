// A second thread of the child runs into the lock; its main thread goes on.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~deadlock_in_second]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void work(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void *bite(void *unused) {
    pthread_mutex_lock(&mutex);
    return unused;
}

static void deal(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, bite, NULL) == 0);
    EVENTUALLY(reported(getpid(), "lock-deadlock"));
}
