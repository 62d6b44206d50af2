// The copy of a connection is the connection: the original number is closed.
// EXPECT: connection-inherited subject~127.0.0.1 count=1
// EXPECT-EVENT: fork descriptors=[fd=50,origin=recorded,socket.role=connected]
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    int fd = connect_to(&address);
    CHECK(dup2(fd, 50) == 50 && close(fd) == 0);
    fork_living_child();
    return 0;
}
