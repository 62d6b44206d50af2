// The forking thread's own normal mutex is the child's to unlock: no finding.
// EXPECT-NOT: lock-orphaned
// EXPECT: thread-lost
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

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
        CHECK(pthread_mutex_unlock(&mutex) == 0 && pthread_mutex_lock(&mutex) == 0);
        live();
    }
    EXITED(child, 0);
    return 0;
}
