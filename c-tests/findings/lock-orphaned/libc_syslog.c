// A thread inside syslog: it waits for standard error, a full pipe.
// GLIBC: 2.36 writes to standard error with its lock held; before, this thread has no lock
// EXPECT: lock-orphaned severity=warning subject~worker text~syslog
// EXPECT-EVENT: fork locks=[kind=libc,name~syslog,holder_name=worker]
// ENV: FORKGUARD_SUMMARY=never
#include "../../process.h"
#include <fcntl.h>
#include <syslog.h>

static void *body(void *unused) {
    openlog("fixture", LOG_PERROR, LOG_USER);
    worker_tid = gettid();
    syslog(LOG_INFO, "never read");
    return unused;
}

int main(void) {
    int ends[2];
    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    while (write(ends[1], "full", 4) > 0)
        ;
    CHECK(fcntl(ends[1], F_SETFL, 0) == 0);
    CHECK(dup2(ends[1], 2) == 2);
    start_worker_blocked_in(SYS_write, body);
    fork_living_child();
    _exit(0);
}
