// A thread that has received many signals through semaphores, each its own, still is seen to hold what it took before and after.
// EXPECT: lock-orphaned severity=warning subject~worker count=2
// EXPECT-EVENT: fork locks=[kind=mutex,name~before] count=1
// EXPECT-EVENT: fork locks=[kind=mutex,name~after] count=1
// FLAGS: -rdynamic
#include "../../living_child.h"
#include <semaphore.h>

enum { SIGNALS = 100 };
pthread_mutex_t before = PTHREAD_MUTEX_INITIALIZER, after = PTHREAD_MUTEX_INITIALIZER;
static sem_t signals[SIGNALS];

static void *post_all(void *unused) {
    for (int index = 0; index < SIGNALS; index++)
        CHECK(sem_post(&signals[index]) == 0);
    return unused;
}

static void worker_body(void) {
    CHECK(pthread_mutex_lock(&before) == 0);
    for (int index = 0; index < SIGNALS; index++)
        CHECK(sem_init(&signals[index], 0, 0) == 0);
    in_thread(post_all, NULL);
    for (int index = 0; index < SIGNALS; index++)
        CHECK(sem_wait(&signals[index]) == 0);
    CHECK(pthread_mutex_lock(&after) == 0);
}
