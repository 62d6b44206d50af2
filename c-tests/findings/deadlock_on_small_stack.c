// A thread with the smallest stack there is runs into the lock.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~deadlock_on_small_stack]
// EXPECT-LAST: lock-orphaned hit count=1
#include "twin.h"
#include <limits.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void work(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void *bite(void *unused) {
    pthread_mutex_lock(&mutex);
    return unused;
}

static void deal(void) {
    pthread_attr_t small;
    pthread_t thread;
    CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN) == 0);
    CHECK(pthread_create(&thread, &small, bite, NULL) == 0);
    EVENTUALLY(reported(getpid(), "lock-deadlock"));
}
