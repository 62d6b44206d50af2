// The number of a closed connection belongs to a socket now that is connected to nothing.
// EXPECT-NOT: connection-inherited
// EXPECT-EVENT: fork kind=fork
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    int fd = connect_to(&address);
    CHECK(close(fd) == 0 && socket(AF_INET, SOCK_STREAM, 0) == fd);
    fork_living_child();
    return 0;
}
