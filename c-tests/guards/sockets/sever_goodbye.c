// What a child's exit handlers say goodbye with does not reach the leader's server.
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT-NOT: connection-shared-use
// EXPECT-LAST-NOT: connection-inherited hit
// EXPECT-EVENT: guarded guard=sockets action='used after it was severed' count=1
// STDERR-NOT: connect anew
#include "fixture.h"

static struct connection connection;

static void say_goodbye(void) {
    (void)!write(connection.fd, "goodbye", 7);
    shutdown(connection.fd, SHUT_RDWR);
    close(connection.fd);
}

int main(void) {
    connection = connect_and_accept(v4_loopback());
    CHECK(atexit(say_goodbye) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        settle();
        exit(0);
    }
    EXITED(child, 0);
    goes_on(connection);
    _exit(0);
}
