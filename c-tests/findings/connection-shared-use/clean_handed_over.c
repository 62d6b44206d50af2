// The leader made the connection for the child and has closed its own copy before the child uses it: there is nobody to share it with.
// EXPECT: connection-inherited count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST-NOT: connection-inherited hit
#include "../../sockets.h"

int main(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address), fd = connect_to(&address), peer = accept(listener, NULL, NULL), closed[2];
    char bytes[8];
    CHECK(pipe(closed) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(close(closed[1]) == 0 && read(closed[0], bytes, 1) == 0);
        CHECK(send(fd, "question", 8, 0) == 8);
        live();
    }
    CHECK(close(fd) == 0 && close(closed[0]) == 0 && close(closed[1]) == 0);
    CHECK(recv(peer, bytes, 8, MSG_WAITALL) == 8);
    EXITED(child, 0);
    return 0;
}
