// The leader ignores SIGCHLD, and its child asks for the status of a process of its own: nobody gets it, whether the process has ended before or not.
// EXPECT: signals-blocked severity=warning state=hit subject~'SIGCHLD ignored since before the fork: the status of process' count=2
// EXPECT: signals-blocked sites=[role=set,frames.function=ignore_children] sites=[role=waits,frames.function=waits]
// EXPECT-LAST: signals-blocked hit
// STDERR: set SIGCHLD to SIG_DFL
#include "lost_status.h"

__attribute__((noinline)) static void waits(void) {
    int status;
    FAILS(ECHILD, waitpid(started(), &status, 0));
    FAILS(ECHILD, waitpid(started(), &status, 0));
}

static void waits_late(void) {
    int status;
    pid_t pid = started();
    while (kill(pid, 0) == 0)
        usleep(1000);
    FAILS(ECHILD, wait4(pid, &status, 0, NULL));
}

int main(void) {
    ignore_children();
    as_worker(waits);
    as_worker(waits_late);
    return 0;
}
