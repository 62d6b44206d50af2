// Without a report the worker's last words are on stderr.
// ENV: FORKGUARD_REPORT=none
// STDERR: lock-deadlock (error)
// STDERR: held by thread "worker"
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *hold(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    stay();
}

int main(void) {
    start_worker(hold);
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
