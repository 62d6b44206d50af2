// A server on loopback and one client of it.
#pragma once
#include "../../sockets.h"
#include <poll.h>

struct served {
    int listener, client, fd;
};

__attribute__((unused)) static struct served accept_one(struct address address) {
    struct served served = {.listener = listen_at(&address)};
    served.client = connect_to(&address);
    CHECK((served.fd = accept(served.listener, NULL, NULL)) >= 0);
    return served;
}

// A child that lives until the pipe's other end is closed; it has settled when this returns.
struct idle_child {
    pid_t pid;
    int end;
};

__attribute__((unused)) static struct idle_child fork_idle_child(int client, void (*first)(int fd), int fd) {
    int ready[2], end[2];
    char byte;
    CHECK(pipe(ready) == 0 && pipe(end) == 0);
    struct idle_child child = {.pid = fork(), .end = end[1]};
    CHECK(child.pid >= 0);
    if (child.pid == 0) {
        CHECK(close(client) == 0 && close(end[1]) == 0);
        if (first)
            first(fd);
        settle();
        CHECK(write(ready[1], "r", 1) == 1);
        CHECK(read(end[0], &byte, 1) == 0);
        _exit(0);
    }
    CHECK(close(end[0]) == 0 && read(ready[0], &byte, 1) == 1 && close(ready[0]) == 0 && close(ready[1]) == 0);
    return child;
}

__attribute__((unused)) static void end_idle_child(struct idle_child child) {
    CHECK(close(child.end) == 0);
    EXITED(child.pid, 0);
}
