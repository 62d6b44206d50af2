// The same over IPv6.
// EXPECT: connection-inherited severity=info subject~::1 count=1
// EXPECT-EVENT: fork descriptors=[socket.family=inet6,socket.role=connected,socket.peer~[::1]:]
#include "../../sockets.h"

int main(void) {
    struct address address = v6_loopback();
    listen_at(&address);
    connect_to(&address);
    fork_living_child();
    return 0;
}
