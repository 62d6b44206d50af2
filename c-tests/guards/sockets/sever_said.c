// What severing does is said though no finding is left: when the child settles, and when its client finds the connection closed; each once, however
// many children there are. A child that does not use it says nothing more.
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT-NOT: connection-shared-use
// EXPECT-LAST: connection-inherited resolved because~'forkguard severed' count=3
// EXPECT-EVENT: guarded guard=sockets action='used after it was severed' subject~FORKGUARD_KEEP=127.0.0.1: count=2
// STDERR: : severed: TCP 127.0.0.1:
// STDERR: keeps it
// STDERR: uses TCP 127.0.0.1:
// STDERR: it is severed (FORKGUARD_SOCKETS): its client must connect anew; or run it with FORKGUARD_KEEP=127.0.0.1:
#include "fixture.h"

static struct connection connection;

static void use(void) {
    settle();
    FAILS(EPIPE, write(connection.fd, "question", 8));
    FAILS(EPIPE, write(connection.fd, "question", 8));
}

static void leave_alone(void) {
    settle();
    CHECK(close(connection.fd) == 0);
}

int main(void) {
    connection = connect_and_accept(v4_loopback());
    fork_working_child(use);
    fork_working_child(use);
    fork_working_child(leave_alone);
    goes_on(connection);
    return 0;
}
