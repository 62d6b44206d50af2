// The usual channels between leader and child: a pair of sockets, two pipes, each side with its own end.
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-EVENT: fork kind=fork count=1
#include "../../sockets.h"

int main(void) {
    int pair[2], down[2], up[2];
    char byte;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(down) == 0 && pipe(up) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        // It is ready before it closes the leader's ends.
        CHECK(write(up[1], "r", 1) == 1);
        CHECK(close(pair[0]) == 0 && close(down[1]) == 0 && close(up[0]) == 0);
        CHECK(read(down[0], &byte, 1) == 1 && write(pair[1], &byte, 1) == 1 && recv(pair[1], &byte, 1, 0) == 1);
        _exit(0);
    }
    CHECK(close(pair[1]) == 0 && close(down[0]) == 0 && close(up[1]) == 0);
    CHECK(read(up[0], &byte, 1) == 1 && write(down[1], "w", 1) == 1);
    CHECK(read(pair[0], &byte, 1) == 1 && send(pair[0], &byte, 1, 0) == 1);
    EXITED(child, 0);
    return 0;
}
