// A child of another user, or in a root without /proc, cannot see whether its leader still has the connection: a warning.
// EXPECT: connection-shared-use severity=warning state=hit count=2
// EXPECT-NO-EVENT: finding severity=error
#include "../../sockets.h"
#include <sys/stat.h>

static int fd;

static void drop_user(void) {
    // Only root can; any other user may read /proc.
    if (geteuid() == 0)
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
}

static void drop_root(void) {
    if (geteuid() == 0)
        CHECK(mkdir("jail", 0755) == 0 && chroot("jail") == 0 && chdir("/") == 0);
}

static void use_after_user(void) {
    drop_user();
    CHECK(send(fd, "question", 8, 0) == 8);
}

static void use_after_root(void) {
    drop_root();
    CHECK(send(fd, "question", 8, 0) == 8);
}

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    fd = connect_to(&address);
    fork_working_child(use_after_user);
    fork_working_child(use_after_root);
    return 0;
}
