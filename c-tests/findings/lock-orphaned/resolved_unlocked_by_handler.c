// A child handler of pthread_atfork unlocks what a lost thread holds.
// EXPECT: lock-orphaned state=open subject~worker count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: lock-orphaned resolved count=1
#include "../../working_child.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void unlock(void) {
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static void worker_body(void) {
    CHECK(pthread_atfork(NULL, NULL, unlock) == 0);
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void child_body(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
}
