// Connections of every kind and state are severed, each as its flags are; two numbers for one connection, too.
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT: connection-inherited count=6
// EXPECT-NOT: connection-shared-use
// EXPECT-LAST: connection-inherited resolved because~'forkguard severed' count=6
// EXPECT-EVENT: child cures=[guard=sockets,action=severed,subject~::1]
// EXPECT-EVENT: child cures=[guard=sockets,action=severed,subject~'unix socket']
#include "fixture.h"

static struct connection v4, v6, by_path, packets;
static int copy, under_way;

// To where no answer comes: the queue of what waits to be accepted is full.
static int begin_to_connect(void) {
    struct address address = v4_loopback();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
    CHECK(bind(listener, &address.any, address.size) == 0 && listen(listener, 0) == 0);
    CHECK(getsockname(listener, &address.any, &address.size) == 0);
    do {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        CHECK(connect(fd, &address.any, address.size) == -1 && errno == EINPROGRESS);
    } while (poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 200) == 1 && close(fd) == 0);
    return fd;
}

static struct connection connect_packets(void) {
    struct address address = unix_path("packets");
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct connection made = {.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    CHECK(bind(listener, &address.any, address.size) == 0 && listen(listener, 1) == 0);
    CHECK(connect(made.fd, &address.any, address.size) == 0 && (made.peer = accept(listener, NULL, NULL)) >= 0);
    return made;
}

static void use(void) {
    const int all[] = {v4.fd, copy, v6.fd, by_path.fd, packets.fd, under_way};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        is_dead(all[i]);
    CHECK(fcntl(copy, F_GETFD) == 0 && fcntl(v4.fd, F_GETFD) == FD_CLOEXEC);
    CHECK(fcntl(under_way, F_GETFL) & O_NONBLOCK && (fcntl(v4.fd, F_GETFL) & O_NONBLOCK) == 0);
}

int main(void) {
    v4 = connect_and_accept(v4_loopback());
    v6 = connect_and_accept(v6_loopback());
    by_path = connect_and_accept(unix_path("socket"));
    packets = connect_packets();
    CHECK((copy = dup(v4.fd)) >= 0);
    under_way = begin_to_connect();
    fork_working_child(use);
    goes_on(v4);
    goes_on(v6);
    goes_on(by_path);
    goes_on(packets);
    CHECK(send(copy, "question", 8, 0) == 8);
    CHECK(unlink("socket") == 0 && unlink("packets") == 0);
    return 0;
}
