// The child drops the leader's connection and makes its own under the same number: its traffic is nobody else's.
// EXPECT: connection-inherited state=open count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: connection-inherited resolved count=1
#include "../../sockets.h"

static struct address address;
static int fd;

static void reconnect(void) {
    CHECK(close(fd) == 0);
    CHECK(connect_to(&address) == fd);
    CHECK(send(fd, "question", 8, 0) == 8);
    CHECK(shutdown(fd, SHUT_RDWR) == 0);
}

int main(void) {
    address = v4_loopback();
    listen_at(&address);
    fd = connect_to(&address);
    fork_working_child(reconnect);
    return 0;
}
