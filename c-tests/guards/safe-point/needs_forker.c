// ENV: FORKGUARD_SAFE_POINT=50
// A holder that waits for a lock of the forking thread's never becomes quiet: the fork goes on, and so does the holder.
// EXPECT-EVENT: child cures=[guard=safe-point,failed=110]
#include "../../process.h"

static pthread_mutex_t of_worker = PTHREAD_MUTEX_INITIALIZER, of_main = PTHREAD_MUTEX_INITIALIZER;

static void *hold_and_wait(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&of_worker) == 0);
    worker_tid = syscall(SYS_gettid);
    CHECK(pthread_mutex_lock(&of_main) == 0);
    CHECK(pthread_mutex_unlock(&of_main) == 0 && pthread_mutex_unlock(&of_worker) == 0);
    return NULL;
}

int main(void) {
    CHECK(pthread_mutex_lock(&of_main) == 0);
    pthread_t worker = start_worker_blocked_in(SYS_futex, hold_and_wait);
    fork_living_child();
    CHECK(pthread_mutex_unlock(&of_main) == 0);
    CHECK(pthread_join(worker, NULL) == 0);
    return 0;
}
