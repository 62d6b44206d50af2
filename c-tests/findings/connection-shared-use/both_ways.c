// A child that first reads from its leader's connection and then sends on it, one that first sends and then reads, one that reads while its leader waits to
// read, and one that reads beside a sibling.
// EXPECT: connection-shared-use severity=error state=hit subject~127.0.0.1 count=4
// STDERR: connection-shared-use
#include "shared_out.h"

static void reads(int fd) { CHECK(recv(fd, &(char){0}, 1, 0) == 1); }
static void reads_and_sends(int fd) { reads(fd), CHECK(send(fd, "d", 1, 0) == 1); }
static void sends_and_reads(int fd) { CHECK(send(fd, "d", 1, 0) == 1), reads(fd); }

static pid_t child_that(void (*uses)(int), int fd) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        uses(fd);
        _exit(0);
    }
    return child;
}

static void alone(void (*uses)(int)) {
    int fd = connected_pair();
    CHECK(send(peer, "a", 1, 0) == 1);
    pid_t child = child_that(uses, fd);
    EXITED(child, 0);
    CHECK(reported(child, "connection-shared-use"));
    CHECK(close(fd) == 0 && close(peer) == 0);
}

static void reads_what_leader_awaits(int fd) {
    await_reader(fd);
    FAILS(EAGAIN, recv(fd, &(char){0}, 1, MSG_DONTWAIT));
    CHECK(send(peer, "e", 1, 0) == 1);
}

static void beside_leader(void) {
    int fd = connected_pair();
    pid_t child = child_that(reads_what_leader_awaits, fd);
    reads(fd);
    EXITED(child, 0);
    CHECK(reported(child, "connection-shared-use"));
}

static void lives(int fd) {
    (void)fd;
    for (;;)
        pause();
}

int main(void) {
    alone(reads_and_sends);
    alone(sends_and_reads);
    beside_leader();
    pid_t sibling = child_that(lives, -1);
    alone(reads);
    CHECK(kill(sibling, SIGKILL) == 0 && waitpid(sibling, NULL, 0) == sibling);
    return 0;
}
