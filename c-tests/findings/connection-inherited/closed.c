// A connection that was closed before the fork.
// EXPECT-NOT: connection-inherited
// EXPECT-EVENT: fork kind=fork
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    int fd = connect_to(&address);
    CHECK(close(fd) == 0);
    fork_living_child();
    return 0;
}
