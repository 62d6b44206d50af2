// A function makes its only connection and forks: the child uses what is its leader's, too.
// EXPECT: connection-shared-use severity=error count=1
// STDERR: connection-shared-use
#include "../../sockets.h"

__attribute__((noinline)) static void start(struct address address) {
    int fd = connect_to(&address);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(send(fd, "question", 8, 0) == 8);
        live();
    }
    CHECK(send(fd, "question", 8, 0) == 8);
    EXITED(child, 0);
}

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    start(address);
    return 0;
}
