// Handlers that hold a normal mutex across the fork, as a careful library does: the lock is free on both sides.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: fork atfork=[child=true]
#include "../../living_child.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void take(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void release(void) {
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static void worker_body(void) {
    take();
    release();
}

__attribute__((constructor)) static void careful(void) {
    CHECK(pthread_atfork(take, release, release) == 0);
}
