// Client, accepted and listening socket in one process: only the socket of connect() is reported, with its peer.
// EXPECT: connection-inherited severity=info state=open subject~127.0.0.1 count=1
// EXPECT-EVENT: fork descriptors=[kind=socket,origin=recorded,cloexec=true,socket.family=inet,socket.role=connected,socket.peer~127.0.0.1:]
// EXPECT-EVENT: fork descriptors=[kind=socket,socket.role=accepted]
// EXPECT-EVENT: fork descriptors=[kind=socket,socket.role=listening,socket.local~127.0.0.1:]
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address);
    connect_to(&address);
    CHECK(accept(listener, NULL, NULL) >= 0);
    fork_living_child();
    return 0;
}
