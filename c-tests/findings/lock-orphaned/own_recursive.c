// The forking thread's own recursive mutex names the old thread id: in the child unlocking fails and locking blocks.
// EXPECT: lock-orphaned severity=warning count=1
// EXPECT-EVENT: fork locks=[kind=recursive-mutex,own=true]
#include "../../living_child.h"

static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void worker_body(void) {
}

__attribute__((constructor)) static void take(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}
