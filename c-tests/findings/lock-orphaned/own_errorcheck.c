// The forking thread's own errorcheck mutex, taken while other threads run.
// EXPECT: lock-orphaned severity=warning count=1
// EXPECT-EVENT: fork locks=[kind=errorcheck-mutex,own=true]
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

static void *body(void *unused) {
    (void)unused;
    stay();
}

int main(void) {
    start_worker(body);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(pthread_mutex_unlock(&mutex) == EPERM);
        live();
    }
    EXITED(child, 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    return 0;
}
