// A process that shares its leader's memory (clone(2) with CLONE_VM) and closes its copies: what the leader has, it has still.
// EXPECT: connection-shared-use severity=error count=1
// EXPECT-LAST: connection-inherited hit count=1
#include "../../sockets.h"
#include <sched.h>

static char stack[1 << 16] __attribute__((aligned(16)));
static int connection;

static int close_all(void *unused) {
    (void)unused;
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    _exit(0);
}

static void use(void) {
    CHECK(send(connection, "question", 8, 0) == 8);
}

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    connection = connect_to(&address);
    EXITED(clone(close_all, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL), 0);
    fork_working_child(use);
    return 0;
}
