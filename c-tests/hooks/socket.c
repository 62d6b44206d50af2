// socket, socketpair, connect, bind, listen, accept, accept4, recv: results, flags, errors.
#include "driver.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static bool closed_on_exec(int fd) {
    return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

SAFE_SNIPPET(made) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(fd >= 0 && closed_on_exec(fd) && (fcntl(fd, F_GETFL) & O_NONBLOCK));
    char byte;
    FAILS(ENOTCONN, recv(fd, &byte, 1, 0));
    FAILS(ENOTCONN, getpeername(fd, (struct sockaddr *)&(struct sockaddr_in){0}, &(socklen_t){sizeof(struct sockaddr_in)}));
    FAILS(EINVAL, accept(fd, NULL, NULL));
    KEEPS_ERRNO(close(fd) == 0);
    FAILS(EAFNOSUPPORT, socket(12345, SOCK_STREAM, 0));
    FAILS(EINVAL, socket(AF_INET, 99, 0));
    FAILS(EPROTONOSUPPORT, socketpair(AF_UNIX, SOCK_STREAM, 77, (int[2]){0}));
    FAILS(EBADF, listen(-1, 5));
    FAILS(EBADF, accept4(1000000, NULL, NULL, 0));
    FAILS(EBADF, connect(-1, (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET}, sizeof(struct sockaddr_in)));
    FAILS(ENOTSOCK, listen(0, 5));
}

SAFE_SNIPPET(pair) {
    int ends[2];
    char byte = 'p';
    KEEPS_ERRNO(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    CHECK(closed_on_exec(ends[0]) && closed_on_exec(ends[1]));
    CHECK(send(ends[0], &byte, 1, 0) == 1);
    KEEPS_ERRNO(recv(ends[1], &byte, 1, 0) == 1);
    FAILS(EAGAIN, recv(ends[1], &byte, 1, MSG_DONTWAIT));
    CHECK(close(ends[0]) == 0);
    CHECK(recv(ends[1], &byte, 1, 0) == 0);
    FAILS(EPIPE, send(ends[1], &byte, 1, MSG_NOSIGNAL));
    CHECK(close(ends[1]) == 0);
}

static void talk(int listener, struct sockaddr *address, socklen_t length) {
    char byte = 't';
    socklen_t size = length;
    CHECK(bind(listener, address, length) == 0);
    KEEPS_ERRNO(listen(listener, 5) == 0);
    CHECK(getsockname(listener, address, &size) == 0);
    int client = socket(address->sa_family, SOCK_STREAM, 0), second = socket(address->sa_family, SOCK_STREAM, 0);
    KEEPS_ERRNO(connect(client, address, size) == 0);
    FAILS(EISCONN, connect(client, address, size));
    struct sockaddr_storage peer;
    socklen_t peer_size = sizeof peer;
    int server = accept(listener, (struct sockaddr *)&peer, &peer_size);
    CHECK(server >= 0 && !closed_on_exec(server));
    CHECK(peer.ss_family == address->sa_family);
    CHECK(connect(second, address, size) == 0);
    int other = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    CHECK(other >= 0 && closed_on_exec(other));
    CHECK(send(client, &byte, 1, 0) == 1 && recv(server, &byte, 1, 0) == 1);
    FAILS(EAGAIN, recv(other, &byte, 1, 0));
    FAILS(EINVAL, accept4(listener, NULL, NULL, 0x40000));
    CHECK(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
    FAILS(EAGAIN, accept(listener, NULL, NULL));
    CHECK(close(client) == 0 && close(second) == 0 && close(server) == 0 && close(other) == 0 && close(listener) == 0);
    int late = socket(address->sa_family, SOCK_STREAM, 0);
    FAILS(ECONNREFUSED, connect(late, address, size));
    CHECK(close(late) == 0);
}

SAFE_SNIPPET(tcp) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    talk(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}

SAFE_SNIPPET(tcp_v6) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    talk(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}

SNIPPET(unix_stream) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/fixture-socket-%d-%d", getpid(), gettid());
    talk(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
    CHECK(unlink(address.sun_path) == 0);
}

SAFE_SNIPPET(not_yet_connected) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    errno = 0;
    CHECK(connect(client, (struct sockaddr *)&address, size) == 0 || errno == EINPROGRESS);
    CHECK(close(client) == 0 && close(listener) == 0);
}

SAFE_SNIPPET(connected_datagrams) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(connect(fd, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)) == 0);
    FAILS(EDESTADDRREQ, send(fd, "x", 1, 0));
    FAILS(EOPNOTSUPP, listen(fd, 1));
    CHECK(close(fd) == 0);
}
