// A worker that still boots: a thread of its own waits on a pipe of its leader's, whose end shows that the leader has ended, and the main thread
// closes its copy of a connection after that. The thread's wait is not the worker's first one for work.
// EXPECT-LAST: connection-inherited resolved count=1
// EXPECT-EVENT: child findings.info=0
// EXPECT-NO-EVENT: finding severity=error
#include "../../sockets.h"
#include <poll.h>

static int watched[2], connection;

static void *watch(void *unused) {
    worker_tid = gettid();
    poll(&(struct pollfd){.fd = watched[0], .events = POLLIN}, 1, -1);
    return unused;
}

static void child_body(void) {
    start_worker_blocked_in(SYS_poll, watch);
    CHECK(close(connection) == 0);
}

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    connection = connect_to(&address);
    CHECK(pipe(watched) == 0);
    fork_working_child(child_body);
    return 0;
}
