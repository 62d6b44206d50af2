// FORKGUARD_SUMMARY=never: the finding is in the report alone.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// STDERR-NOT: forkguard
#include "../../hanging_child.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void worker_body(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}
