// A program with one thread whose atfork handlers hold an errorcheck mutex across the fork: the child's handler cannot unlock it.
// EXPECT: lock-orphaned severity=warning count=1
// EXPECT-EVENT: fork counts.threads=1 locks=[kind=errorcheck-mutex,own=true]
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

static void prepare(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void parent(void) {
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static void child(void) {
    CHECK(pthread_mutex_unlock(&mutex) == EPERM);
}

int main(void) {
    CHECK(pthread_atfork(prepare, parent, child) == 0);
    fork_living_child();
    return 0;
}
