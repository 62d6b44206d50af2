// A leader with a connection whose copy in the child is dead, and whose own goes on as if there had been no child.
#pragma once
#include "../../leaks.h"

struct connection {
    int fd, peer;
};

__attribute__((unused)) static struct connection connect_and_accept(struct address address) {
    int listener = listen_at(&address);
    struct connection made = {.fd = connect_to(&address)};
    CHECK((made.peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 && close(listener) == 0);
    return made;
}

// What a client sees whose server has closed: there is nothing to read, and nobody to write to.
__attribute__((unused)) static void is_dead(int fd) {
    char byte;
    struct pollfd asked = {.fd = fd, .events = POLLIN | POLLOUT};
    CHECK(poll(&asked, 1, 0) == 1 && asked.revents & POLLIN && asked.revents & POLLHUP);
    CHECK(read(fd, &byte, 1) == 0);
    FAILS(EPIPE, write(fd, "?", 1));
}

// The leader asks and is answered; nothing else was sent, and the connection is open.
__attribute__((unused)) static void goes_on(struct connection of) {
    char bytes[8];
    CHECK(recv(of.peer, bytes, 8, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    CHECK(send(of.fd, "question", 8, 0) == 8 && recv(of.peer, bytes, 8, MSG_WAITALL) == 8 && memcmp(bytes, "question", 8) == 0);
    CHECK(send(of.peer, "answer..", 8, 0) == 8 && recv(of.fd, bytes, 8, MSG_WAITALL) == 8 && memcmp(bytes, "answer..", 8) == 0);
}
