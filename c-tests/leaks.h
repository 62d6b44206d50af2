// Sockets that a program started from here would get.
#pragma once
#include "programs.h"
#include "sockets.h"

// Without close-on-exec, by neglect.
__attribute__((unused)) static int listen_leaking(struct address *address) {
    int fd = socket(address->any.sa_family, SOCK_STREAM, 0);
    CHECK(fd >= 0 && bind(fd, &address->any, address->size) == 0 && listen(fd, 5) == 0);
    CHECK(getsockname(fd, &address->any, &address->size) == 0);
    return fd;
}

__attribute__((unused)) static int connect_leaking(const struct address *address) {
    int fd = socket(address->any.sa_family, SOCK_STREAM, 0);
    CHECK(fd >= 0 && connect(fd, &address->any, address->size) == 0);
    return fd;
}
