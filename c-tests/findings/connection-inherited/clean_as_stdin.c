// Standard input and output are a connection that somebody else made (inetd): the program's child may use them.
// EXPECT-NOT: connection-inherited
// EXPECT-NO-EVENT: finding severity=error
#include "../../sockets.h"

static void answer(void) {
    char bytes[8];
    CHECK(read(0, bytes, 8) == 8 && write(0, bytes, 8) == 8);
}

int main(int count, char **arguments) {
    if (count > 1) {
        fork_working_child(answer);
        return 0;
    }
    struct address address = v4_loopback();
    int listener = listen_at(&address), fd = connect_to(&address), peer = accept(listener, NULL, NULL);
    CHECK(send(peer, "question", 8, 0) == 8);
    CHECK(dup2(fd, 0) == 0);
    CHECK(execl("/proc/self/exe", arguments[0], "again", (char *)NULL) == 0);
}
