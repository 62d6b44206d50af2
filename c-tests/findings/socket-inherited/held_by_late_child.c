// The same where the leader has closed before the child settles: the child finds it out.
// EXPECT: socket-inherited severity=info count=1
// EXPECT: socket-inherited severity=error subject~'the connection of' count=1
// EXPECT-LAST: socket-inherited hit severity=error
// STDERR: socket-inherited (error)
#include "fixture.h"

int main(void) {
    struct served served = accept_one(v4_loopback());
    int closed[2];
    char byte;
    CHECK(pipe(closed) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(close(served.client) == 0 && close(closed[1]) == 0);
        // It has not settled before this returns.
        while (lseek(closed[0], 0, SEEK_CUR) == -1 && poll(&(struct pollfd){.fd = closed[0]}, 1, 0) == 0)
            brief_pause();
        live();
    }
    CHECK(send(served.fd, "answer", 6, 0) == 6 && close(served.fd) == 0);
    CHECK(close(closed[0]) == 0 && close(closed[1]) == 0);
    CHECK(recv(served.client, &byte, 1, 0) == 1);
    EXITED(child, 0);
    return 0;
}
