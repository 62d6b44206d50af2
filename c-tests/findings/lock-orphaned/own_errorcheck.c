// The forking thread's own errorcheck mutex, taken while other threads run.
// EXPECT: lock-orphaned severity=warning count=1
// EXPECT-EVENT: fork locks=[kind=errorcheck-mutex,own=true]
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

static void child_body(void) {
    CHECK(pthread_mutex_unlock(&mutex) == EPERM);
}

int main(void) {
    start_worker(stay_idle);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    fork_working_child(child_body);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    return 0;
}
