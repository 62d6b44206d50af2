// The same lock, and a leader that waits for the child: it looks meanwhile, though some handlers end that wait (a program's without SA_RESTART) and
// others would not (glibc's own, from the first thread on).
// FLAGS: -g
// EXPECT: lock-deadlock severity=error state=hit subject~own_lock_inline subject~worker count=1
// EXPECT-LAST: lock-orphaned hit text~own_lock_inline count=1
// EXPECT-NOT: join-lost-thread
// STDERR: lock-deadlock
#include "native_lock.h"

static own_lock lock = 1;

static void nothing(int signal) { (void)signal; }

int main(void) {
    struct sigaction ends_waits = {.sa_handler = nothing};
    CHECK(sigaction(SIGUSR1, &ends_waits, NULL) == 0);
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        own_lock_inline(&lock);
    pid_t ends_it = fork();
    CHECK(ends_it >= 0);
    if (ends_it == 0) {
        for (int round = 0; round < 200 && !reported(getppid(), "lock-deadlock"); round++)
            usleep(100 * 1000);
        CHECK(kill(child, SIGKILL) == 0);
        _exit(0);
    }
    CHECK(WIFSIGNALED(status_of(child)) && status_of(ends_it) == 0);
    return 0;
}
