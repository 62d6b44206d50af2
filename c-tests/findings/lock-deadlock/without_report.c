// Without a report the worker's last words are on stderr.
// ENV: FORKGUARD_REPORT=none
// STDERR: lock-deadlock (error)
// STDERR: held by thread "worker"
#include "../../held_mutex.h"

int main(void) {
    start_worker(run_and_stay);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        pthread_mutex_lock(&mutex);
        _exit(1);
    }
    until_blocked_in(SYS_futex, child);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(WTERMSIG(status_of(child)) == SIGKILL);
    return 0;
}
