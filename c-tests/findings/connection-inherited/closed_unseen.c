// Closed by a raw system call: the kernel's truth counts, the reused number is another thing.
// EXPECT-NOT: connection-inherited
// EXPECT-EVENT: fork kind=fork
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    int fd = connect_to(&address);
    CHECK(syscall(SYS_close, fd) == 0 && syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY) == fd);
    fork_living_child();
    return 0;
}
