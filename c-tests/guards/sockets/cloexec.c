// What the leader connect()ed has close-on-exec set in the child; what is meant to be handed on has not: a listening socket, an accepted one, a
// pair, one under a number that the program chose, and one whose flag it cleared.
// EXPECT-EVENT: child cures=[guard=sockets,action='closed on exec',subject~127.0.0.1]
// EXPECT-NO-EVENT: child cures=[failed~2]
#include "../../leaks.h"

static struct address address;
static int client, closing, listener, accepted, pair[2], placed, cleared;

static void look(void) {
    CHECK(fcntl(client, F_GETFD) == FD_CLOEXEC && fcntl(closing, F_GETFD) == FD_CLOEXEC);
    const int spared[] = {listener, accepted, pair[0], pair[1], placed, cleared};
    for (size_t i = 0; i < sizeof spared / sizeof *spared; i++)
        CHECK(fcntl(spared[i], F_GETFD) == 0);
}

int main(void) {
    address = v4_loopback();
    listener = listen_leaking(&address);
    client = connect_leaking(&address);
    closing = connect_to(&address);
    CHECK((accepted = accept(listener, NULL, NULL)) >= 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK((placed = dup2(client, 100)) == 100);
    cleared = connect_to(&address);
    CHECK(fcntl(cleared, F_SETFD, 0) == 0);
    fork_working_child(look);
    CHECK(fcntl(client, F_GETFD) == 0);
    return 0;
}
