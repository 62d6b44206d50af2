// A daemon that forks twice: its first child ends at once, and the second lives on without the thread.
// EXPECT: thread-lost severity=warning state=open subject~worker count=1
// EXPECT-EVENT: child settled=poll findings.warning=1 count=1
// STDERR: worker
#include "../../worker.h"
#include <fcntl.h>

static void worker_body(void) {
}

int main(void) {
    int ended[2];
    char byte;
    CHECK(pipe2(ended, O_CLOEXEC) == 0);
    start_worker(run_and_stay);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        pid_t first = getpid(), second = fork();
        CHECK(second >= 0);
        if (second != 0)
            _exit(0);
        while (getppid() == first)
            sched_yield();
        poll(NULL, 0, 1000);
        _exit(0);
    }
    EXITED(child, 0);
    // The daemon has ended, too.
    CHECK(close(ended[1]) == 0 && read(ended[0], &byte, 1) == 0);
    return 0;
}
