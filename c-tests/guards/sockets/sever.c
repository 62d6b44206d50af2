// The child's copy of a connection is dead, by whatever call it is used: end of file and EPIPE, no signal. The leader's goes on.
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT: connection-inherited severity=info count=1
// EXPECT-NOT: connection-shared-use
// EXPECT-LAST: connection-inherited resolved because~'forkguard severed' count=1
// EXPECT-EVENT: child cures=[guard=sockets,action=severed,subject~127.0.0.1]
#include "fixture.h"
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static struct connection connection;
static char bytes[8];
static struct iovec vector = {bytes, sizeof bytes};
static struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

static void read_in_every_way(int fd) {
    struct mmsghdr messages = {.msg_hdr = message};
    int ends[2], available;
    CHECK(read(fd, bytes, 8) == 0 && readv(fd, &vector, 1) == 0 && preadv2(fd, &vector, 1, -1, 0) == 0);
    CHECK(recv(fd, bytes, 8, 0) == 0 && recv(fd, bytes, 8, MSG_DONTWAIT) == 0 && recv(fd, bytes, 1, MSG_PEEK) == 0);
    CHECK(recv(fd, bytes, 8, MSG_WAITALL) == 0 && recvfrom(fd, bytes, 8, 0, NULL, NULL) == 0 && recvmsg(fd, &message, 0) == 0);
    CHECK(recvmmsg(fd, &messages, 1, 0, NULL) == 1 && messages.msg_len == 0);
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && splice(fd, NULL, ends[1], NULL, 8, 0) == 0);
    CHECK(ioctl(fd, FIONREAD, &available) == 0 && available == 0);
}

static void write_in_every_way(int fd) {
    struct mmsghdr messages = {.msg_hdr = message};
    int ends[2], file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    FAILS(EPIPE, write(fd, bytes, 8));
    FAILS(EPIPE, writev(fd, &vector, 1));
    FAILS(EPIPE, pwritev2(fd, &vector, 1, -1, 0));
    FAILS(EPIPE, send(fd, bytes, 8, 0));
    FAILS(EPIPE, send(fd, bytes, 8, MSG_NOSIGNAL | MSG_DONTWAIT));
    FAILS(EPIPE, sendto(fd, bytes, 8, 0, NULL, 0));
    FAILS(EPIPE, sendmsg(fd, &message, 0));
    FAILS(EPIPE, sendmmsg(fd, &messages, 1, 0));
    FAILS(EPIPE, sendfile(fd, file, NULL, 8));
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], bytes, 8) == 8);
    FAILS(EPIPE, splice(ends[0], NULL, fd, NULL, 8, 0));
    CHECK(dprintf(fd, "question") == -1);
}

static void wait_in_every_way(int fd) {
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 && epoll_wait(epoll, &event, 1, 0) == 1 && event.events & EPOLLIN);
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(fd, &readable);
    CHECK(select(fd + 1, &readable, NULL, NULL, &(struct timeval){0}) == 1 && FD_ISSET(fd, &readable));
}

// As docs/guards/sockets.md lists.
static void ask_in_every_way(int fd) {
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    int value = 1;
    CHECK(getpeername(fd, (struct sockaddr *)&name, &size) == 0 && name.ss_family == AF_UNIX);
    size = sizeof value;
    CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size) == 0 && value == 0);
    CHECK(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size) == 0 && value == SOCK_SEQPACKET);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value) == 0);
    FAILS(EOPNOTSUPP, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value));
}

static void use(void) {
    int fd = connection.fd;
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
    is_dead(fd);
    read_in_every_way(fd);
    write_in_every_way(fd);
    wait_in_every_way(fd);
    ask_in_every_way(fd);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    is_dead(fd);
    CHECK(shutdown(fd, SHUT_RDWR) == 0);
    CHECK(close(fd) == 0);
}

int main(void) {
    connection = connect_and_accept(v4_loopback());
    fork_working_child(use);
    goes_on(connection);
    return 0;
}
