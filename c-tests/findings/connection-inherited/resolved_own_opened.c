// A child opens a connection of its own to the same peer and leaves the inherited one alone, as a pool does that discards what it had: that one is
// dealt with. One to another peer is not.
// EXPECT: connection-inherited severity=info count=3
// EXPECT-LAST: connection-inherited resolved because~'a connection of its own to the same peer' count=2
// EXPECT-LAST: connection-inherited untouched count=1
// EXPECT-NOT: connection-shared-use
#include "../../sockets.h"

static struct address database, cache, local;

static void reconnect(void) {
    connect_to(&database);
    connect_to(&local);
    connect_to(&database);
}

int main(void) {
    char path[] = "/tmp/forkguard-test-XXXXXX";
    CHECK(mkdtemp(path) != NULL && chdir(path) == 0);
    database = v4_loopback(), cache = v4_loopback(), local = unix_path("server");
    listen_at(&database), listen_at(&cache), listen_at(&local);
    connect_to(&database), connect_to(&cache), connect_to(&local);
    fork_working_child(reconnect);
    CHECK(unlink("server") == 0 && rmdir(path) == 0);
    return 0;
}
