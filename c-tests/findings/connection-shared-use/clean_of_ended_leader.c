// The process that made the connection has ended (as a daemon's leader does) when its child uses it.
// EXPECT: connection-inherited count=1
// EXPECT-NO-EVENT: finding severity=error
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address), used[2];
    char byte;
    CHECK(pipe(used) == 0);
    pid_t leader = fork();
    CHECK(leader >= 0);
    if (leader == 0) {
        int fd = connect_to(&address);
        pid_t own = getpid(), child = fork();
        CHECK(child >= 0);
        if (child != 0)
            _exit(0);
        while (getppid() == own)
            brief_pause();
        CHECK(send(fd, "question", 8, 0) == 8 && write(used[1], "u", 1) == 1);
        live();
    }
    EXITED(leader, 0);
    CHECK(close(used[1]) == 0 && read(used[0], &byte, 1) == 1);
    // It has ended, too, and with it its report.
    CHECK(read(used[0], &byte, 1) == 0);
    CHECK(close(listener) == 0);
    return 0;
}
