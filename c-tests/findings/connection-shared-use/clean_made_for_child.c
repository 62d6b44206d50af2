// A function that has a connection already makes another one to the same peer and forks: the child uses that one, the leader its own.
// EXPECT: connection-inherited severity=info count=2
// EXPECT: connection-shared-use severity=info count=1
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: connection-shared-use
#include "../../sockets.h"

static struct address address;

__attribute__((noinline)) static int connect_anew(void) {
    int fd = connect_to(&address);
    CHECK(fd >= 0);
    return fd;
}

__attribute__((noinline)) static pid_t start_receiver(void) {
    int fd = connect_anew();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(send(fd, "question", 8, 0) == 8);
        live();
    }
    return child;
}

int main(void) {
    address = v4_loopback();
    listen_at(&address);
    int own = connect_anew();
    pid_t child = start_receiver();
    CHECK(send(own, "question", 8, 0) == 8);
    EXITED(child, 0);
    return 0;
}
