// The forking thread's own normal mutex is the child's to unlock: no finding.
// EXPECT-NOT: lock-orphaned
// EXPECT: thread-lost
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void child_body(void) {
    CHECK(pthread_mutex_unlock(&mutex) == 0 && pthread_mutex_lock(&mutex) == 0);
}

int main(void) {
    start_worker(stay_idle);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    fork_working_child(child_body);
    return 0;
}
