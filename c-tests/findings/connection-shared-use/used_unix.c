// The child shuts a connection through a Unix socket down before it closes it: that ends it for the leader.
// EXPECT: connection-shared-use severity=error state=hit subject~service.sock count=1
// EXPECT-LAST: connection-inherited hit count=1
#include "../../sockets.h"

static int fd;

static void say_goodbye(void) {
    CHECK(send(fd, "X", 1, MSG_NOSIGNAL) == 1 && close(fd) == 0);
}

int main(void) {
    struct address address = unix_path("service.sock");
    listen_at(&address);
    fd = connect_to(&address);
    fork_working_child(say_goodbye);
    return 0;
}
