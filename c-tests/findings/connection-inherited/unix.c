// The same over a unix socket, named by its path.
// EXPECT: connection-inherited severity=info subject~server.socket count=1
// EXPECT-EVENT: fork descriptors=[socket.family=unix,socket.role=connected,socket.peer~server.socket]
#include "../../sockets.h"

int main(void) {
    struct address address = unix_path("server.socket");
    listen_at(&address);
    connect_to(&address);
    fork_living_child();
    return 0;
}
