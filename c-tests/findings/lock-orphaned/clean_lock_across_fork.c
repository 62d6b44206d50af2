// The classic: a prepare handler waits for the lock that a worker holds, both sides release it. The child has threads that use it, too.
// EXPECT-NOT: lock-orphaned
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-EVENT: fork kind=fork count=1
#include "../../working_child.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool preparing;

static void take(void) {
    preparing = true;
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void release(void) {
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static void worker_body(void) {
    CHECK(pthread_atfork(take, release, release) == 0);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    // Until somebody forks, it is held.
    in_place = true;
    EVENTUALLY(preparing);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static void *use(void *unused) {
    for (int round = 0; round < 1000; round++)
        CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void child_body(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, use, NULL) == 0);
    use(NULL);
    CHECK(pthread_join(thread, NULL) == 0);
}
