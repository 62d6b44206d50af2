// A stream over the connection was closed, and its number is reused.
// EXPECT-NOT: connection-inherited
// EXPECT-EVENT: fork kind=fork
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    int fd = connect_to(&address);
    FILE *stream = fdopen(fd, "r+");
    CHECK(stream != NULL && fclose(stream) == 0 && open("/dev/null", O_RDONLY) == fd);
    fork_living_child();
    return 0;
}
