// Sockets for datagrams that children may share: a server's, at a port of the kernel's choice, also by a copy of its number; one on which all of them
// only send; one on which the leader sends and a child reads; one that a single child asks over; one that was left before it was asked over.
// EXPECT-NOT: connection-shared-use
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: connection-shared-use
#include "datagrams.h"

static void beside_child(void (*body)(int), int fd, void (*meanwhile)(int)) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body(fd);
        _exit(0);
    }
    meanwhile(fd);
    EXITED(child, 0);
}

static void nothing(int fd) { (void)fd; }

static void serve(int fd) {
    answer(fd);
    answer(fd);
}

static void ask_twice(int fd) {
    (void)fd;
    for (int i = 0; i < 2; i++) {
        say();
        hear();
    }
}

static void ask_at_once(int fd) {
    (void)fd;
    say();
    hear();
}

static void only_say(int fd) {
    (void)fd;
    say();
    say();
}

static void only_hear(int fd) {
    (void)fd;
    hear();
}

static void ask_over_own(int fd) {
    CHECK(close(client) == 0);
    client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ask_at_once(fd);
}

int main(void) {
    int fd = bound_socket(&server), copy = dup(fd);
    client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(client >= 0 && copy >= 0);
    beside_child(serve, fd, ask_twice);
    beside_child(serve, copy, ask_twice);
    beside_child(only_say, fd, nothing);
    beside_child(only_say, fd, nothing);
    for (int i = 0; i < 4; i++)
        answer(fd);
    beside_child(only_hear, fd, nothing);
    for (int i = 0; i < 3; i++)
        hear();
    beside_child(ask_over_own, fd, answer);
    CHECK(close(client) == 0);
    client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    beside_child(ask_at_once, fd, answer);
    return 0;
}
