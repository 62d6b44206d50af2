// FORKGUARD=observe: nothing is reset, whatever FORKGUARD_LOCKS asks for.
// ENV: FORKGUARD=observe
// ENV: FORKGUARD_LOCKS=reset
// EXPECT: lock-deadlock state=hit count=1
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../hanging_child.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void worker_body(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}
