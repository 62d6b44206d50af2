// A listener on loopback and a connection to it, as the fixtures of sockets need them.
#pragma once
#include "process.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    };
    socklen_t size;
};

__attribute__((unused)) static struct address v4_loopback(void) {
    return (struct address){.v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}, .size = sizeof(struct sockaddr_in)};
}

__attribute__((unused)) static struct address v6_loopback(void) {
    return (struct address){.v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, .size = sizeof(struct sockaddr_in6)};
}

__attribute__((unused)) static struct address unix_path(const char *path) {
    struct address address = {.local = {.sun_family = AF_UNIX}, .size = sizeof(struct sockaddr_un)};
    strcpy(address.local.sun_path, path);
    return address;
}

// Listens there; the address gets the port that the kernel chose.
__attribute__((unused)) static int listen_at(struct address *address) {
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, &address->any, address->size) == 0 && listen(fd, 5) == 0);
    CHECK(getsockname(fd, &address->any, &address->size) == 0);
    return fd;
}

__attribute__((unused)) static int connect_to(const struct address *address) {
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && connect(fd, &address->any, address->size) == 0);
    return fd;
}
