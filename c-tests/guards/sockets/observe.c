// In observe mode the guard does nothing, whatever its option: the child has the leader's connection, and its use is an error.
// ENV: FORKGUARD=observe
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT: connection-shared-use severity=error count=1
// EXPECT-NO-EVENT: child cures=[guard=sockets]
// EXPECT-NO-EVENT: guarded
#include "../../leaks.h"

static int client;

static void use(void) {
    CHECK(fcntl(client, F_GETFD) == 0);
    CHECK(send(client, "question", 8, 0) == 8);
}

int main(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address);
    client = connect_leaking(&address);
    int peer = accept(listener, NULL, NULL);
    fork_working_child(use);
    char bytes[8];
    CHECK(recv(peer, bytes, 8, MSG_WAITALL) == 8);
    return 0;
}
