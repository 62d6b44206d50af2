// FORKGUARD_LOCKS=abort: what would hang for ever ends with SIGABRT, once it is reported.
// ENV: FORKGUARD_LOCKS=abort
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: lock-deadlock
#include "../../held_mutex.h"

int main(void) {
    start_worker(run_and_stay);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        // Only where nothing aborts.
        alarm(20);
        pthread_mutex_lock(&mutex);
        _exit(1);
    }
    int status = status_of(child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(reported(child, "lock-deadlock"));
    return 0;
}
