// Datagram sockets that the leader connected, as loggers do: each message is whole, nothing mixes.
// EXPECT-NOT: connection-inherited
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-EVENT: fork descriptors=[kind=socket,socket.type=datagram]
#include "../../sockets.h"

static int inet, local;

static void log_something(void) {
    CHECK(send(inet, "message", 7, 0) == 7 && write(local, "message", 7) == 7);
}

static int datagrams_to(struct address *address) {
    int receiver = socket(address->any.sa_family, SOCK_DGRAM, 0), sender = socket(address->any.sa_family, SOCK_DGRAM, 0);
    CHECK(bind(receiver, &address->any, address->size) == 0 && getsockname(receiver, &address->any, &address->size) == 0);
    CHECK(connect(sender, &address->any, address->size) == 0);
    return sender;
}

int main(void) {
    struct address v4 = v4_loopback(), path = unix_path("log.sock");
    inet = datagrams_to(&v4);
    local = datagrams_to(&path);
    log_something();
    fork_working_child(log_something);
    return 0;
}
