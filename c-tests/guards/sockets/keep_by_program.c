// forkguard_keep_descriptor: the same by a call of the program; until the number is closed.
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT: connection-inherited count=1
// EXPECT-NOT: connection-shared-use
// EXPECT-NOT: fd-leaked-exec
// EXPECT-LAST: connection-inherited resolved because~'forkguard severed' count=1
#include "fixture.h"
#include "../../../include/forkguard.h"

static struct connection connection;
static int copy;

static void use(void) {
    CHECK(send(copy, "question", 8, 0) == 8);
    CHECK(send(connection.fd, "question", 8, 0) == 8);
}

static void use_dead(void) { is_dead(connection.fd); }

int main(void) {
    FAILS(EBADF, forkguard_keep_descriptor(741));
    FAILS(EBADF, forkguard_keep_descriptor(-1));
    connection = connect_and_accept(v4_loopback());
    CHECK(fcntl(connection.fd, F_SETFD, 0) == 0 && fcntl(connection.fd, F_SETFD, FD_CLOEXEC) == 0);
    CHECK(forkguard_keep_descriptor(connection.fd) == 0);
    // Another number for what is kept; one that no hook saw.
    CHECK((copy = dup(connection.fd)) >= 0 && forkguard_keep_descriptor((int)syscall(SYS_dup, 2)) == 0);
    fork_working_child(use);
    fork_and_execute(NULL);
    char bytes[16];
    CHECK(recv(connection.peer, bytes, 16, MSG_WAITALL) == 16);
    CHECK(close(connection.fd) == 0 && close(copy) == 0 && close(connection.peer) == 0);
    connection = connect_and_accept(v4_loopback());
    fork_working_child(use_dead);
    goes_on(connection);
    return 0;
}
