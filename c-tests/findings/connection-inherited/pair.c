// A socketpair is listed, and no connection to anywhere.
// EXPECT-NOT: connection-inherited
// EXPECT-EVENT: fork descriptors=[kind=socket,socket.family=unix,socket.role=pair]
#include "../../sockets.h"

int main(void) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    fork_living_child();
    return 0;
}
