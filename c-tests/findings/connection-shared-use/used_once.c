// The first use of a connection is reported, and only the first; a second connection has a finding of its own.
// EXPECT: connection-shared-use severity=error count=2
// EXPECT-LAST: connection-inherited hit count=2
#include "../../sockets.h"

static int first, second;

static void use(void) {
    for (int round = 0; round < 10; round++)
        CHECK(send(first, "question", 8, 0) == 8);
    CHECK(send(second, "question", 8, 0) == 8 && close(second) == 0 && close(first) == 0);
}

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    first = connect_to(&address);
    second = connect_to(&address);
    fork_working_child(use);
    return 0;
}
