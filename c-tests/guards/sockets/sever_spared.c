// Not severed: what listens, was accepted, is a pair, carries datagrams, stands under a number that the program chose, or is to outlive an exec.
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT-NO-EVENT: child cures=[action=severed]
// EXPECT-EVENT: child cures=[action='closed on exec']
#include "../../leaks.h"

static int listener, accepted, pair[2], datagrams, placed, cleared, others;

static void use(void) {
    CHECK(fcntl(datagrams, F_GETFD) == FD_CLOEXEC);
    const int spared[] = {accepted, pair[0], datagrams, placed, cleared};
    for (size_t i = 0; i < sizeof spared / sizeof *spared; i++)
        CHECK(send(spared[i], "message.", 8, 0) == 8);
    CHECK(accept(listener, NULL, NULL) >= 0);
}

int main(void) {
    struct address address = v4_loopback(), receiver = v4_loopback();
    char bytes[8];
    listener = listen_at(&address);
    placed = connect_to(&address);
    CHECK((accepted = accept(listener, NULL, NULL)) >= 0);
    // Another process would have been forked with the original, too.
    CHECK(dup2(placed, 100) == 100 && close(placed) == 0);
    placed = 100;
    cleared = connect_to(&address);
    CHECK(fcntl(cleared, F_SETFD, 0) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    others = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(others, &receiver.any, receiver.size) == 0 && getsockname(others, &receiver.any, &receiver.size) == 0);
    datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(connect(datagrams, &receiver.any, receiver.size) == 0);
    fork_working_child(use);
    CHECK(recv(others, bytes, 8, 0) == 8 && recv(pair[1], bytes, 8, MSG_WAITALL) == 8);
    return 0;
}
