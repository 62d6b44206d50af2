// A lost thread is inside syslog, which writes to a full pipe: the child calls syslog.
// GLIBC: 2.36 writes to standard error with its lock held; before, this thread has no lock
// EXPECT: lock-deadlock severity=error state=hit subject~worker subject~'inside syslog()' count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-orphaned hit text~syslog count=1
// ENV: FORKGUARD_SUMMARY=never
#include "../../process.h"
#include <fcntl.h>
#include <syslog.h>

static void *body(void *unused) {
    openlog("fixture", LOG_PERROR, LOG_USER);
    worker_tid = gettid();
    syslog(LOG_INFO, "never %s", "read");
    return unused;
}

static void child_body(void) {
    syslog(LOG_INFO, "%d", 1);
}

int main(void) {
    int ends[2];
    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    while (write(ends[1], "full", 4) > 0)
        ;
    CHECK(fcntl(ends[1], F_SETFL, 0) == 0);
    CHECK(dup2(ends[1], 2) == 2);
    start_worker_blocked_in(SYS_write, body);
    fork_hanging_child("lock-deadlock", child_body);
    _exit(0);
}
