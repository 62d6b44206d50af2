// A connection of which leader and child have one way each: the child reads what comes while the leader sends (rsync's receiver), or sends while the
// leader waits for what comes (a terminal's client).
// EXPECT: connection-inherited severity=info count=2
// EXPECT-NOT: connection-shared-use
// EXPECT-NO-EVENT: finding-state state=untouched
// EXPECT-NO-EVENT: finding-state state=resolved
// STDERR-NOT: connection-shared-use
#include "shared_out.h"

static void reads_all(int fd) {
    char byte;
    CHECK(recv(fd, &byte, 1, 0) == 1 && read(fd, &byte, 1) == 1 && recv(fd, &byte, 1, 0) == 0);
    CHECK(close(fd) == 0);
}

static void child_reads(void) {
    int fd = connected_pair();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(close(peer) == 0);
        reads_all(fd);
        _exit(0);
    }
    CHECK(send(peer, "ab", 2, 0) == 2 && send(fd, "c", 1, 0) == 1 && recv(peer, &(char){0}, 1, 0) == 1 && close(peer) == 0);
    EXITED(child, 0);
    CHECK(close(fd) == 0);
}

static void child_writes(void) {
    int fd = connected_pair();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        await_reader(fd);
        CHECK(send(fd, "a", 1, 0) == 1 && write(fd, "b", 1) == 1 && send(peer, "c", 1, 0) == 1);
        _exit(0);
    }
    CHECK(recv(fd, &(char){0}, 1, 0) == 1);
    EXITED(child, 0);
}

int main(void) {
    child_reads();
    child_writes();
    return 0;
}
