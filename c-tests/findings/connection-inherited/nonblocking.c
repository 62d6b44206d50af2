// connect() that is only under way when it returns.
// EXPECT: connection-inherited subject~127.0.0.1 count=1
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(connect(fd, &address.any, address.size) == 0 || errno == EINPROGRESS);
    CHECK(poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 10000) == 1);
    fork_living_child();
    return 0;
}
