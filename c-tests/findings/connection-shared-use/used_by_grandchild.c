// A connection of the leader is used by its grandchild.
// EXPECT: connection-shared-use severity=error state=hit count=1
#include "../../sockets.h"

static int fd;

static void use(void) {
    CHECK(send(fd, "question", 8, 0) == 8);
}

static void fork_once_more(void) {
    fork_working_child(use);
}

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    fd = connect_to(&address);
    fork_working_child(fork_once_more);
    return 0;
}
