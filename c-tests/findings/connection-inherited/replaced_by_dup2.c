// Another file was put over the connection by dup2.
// EXPECT-NOT: connection-inherited
// EXPECT-EVENT: fork kind=fork
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    int fd = connect_to(&address);
    CHECK(dup2(open("/dev/null", O_RDONLY), fd) == fd);
    fork_living_child();
    return 0;
}
