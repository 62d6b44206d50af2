// A child opens a connection of its own to the same peer, and then uses the inherited one all the same.
// EXPECT: connection-inherited severity=info count=1
// EXPECT: connection-shared-use severity=error count=1
// EXPECT-LAST: connection-inherited hit
#include "../../sockets.h"

static struct address address;
static int inherited;

static void use(void) {
    connect_to(&address);
    settle();
    CHECK(send(inherited, "question", 8, 0) == 8);
}

int main(void) {
    address = v4_loopback();
    listen_at(&address);
    inherited = connect_to(&address);
    fork_working_child(use);
    return 0;
}
