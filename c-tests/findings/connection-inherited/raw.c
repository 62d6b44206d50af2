// A connection made by raw system calls crosses no hook: listed, its origin unknown, and no finding.
// EXPECT-NOT: connection-inherited
// EXPECT-EVENT: fork descriptors=[fd=60,kind=socket,origin=unknown,socket.role=peer]
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && syscall(SYS_connect, fd, &address.any, address.size) == 0);
    CHECK(syscall(SYS_dup2, fd, 60) == 60 && syscall(SYS_close, fd) == 0);
    fork_living_child();
    return 0;
}
