// Socket activation (sd_listen_fds(3)) and a server that starts its successor: sockets that come from before this program, listen, or had their
// flag cleared go on to what the child execs, under both guards.
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT-NOT: fd-leaked-exec
// EXPECT-NO-EVENT: child cures=[guard=sockets]
#include "../../leaks.h"

enum { FIRST = 3, COUNT = 3 };

// Both came with this program: one listens, one is connected; a third is this program's own, cleared by it.
static int activated(void) {
    CHECK(atoi(getenv("LISTEN_FDS")) == COUNT);
    int value;
    socklen_t size = sizeof value;
    CHECK(getsockopt(FIRST, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1);
    CHECK(send(FIRST + 1, "activated", 9, 0) == 9);
    CHECK(getsockopt(FIRST + 2, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1);
    return 0;
}

static void start_successor(void) {
    const char *generation = getenv("GENERATION");
    CHECK(setenv("GENERATION", generation ? "2" : "1", 1) == 0);
    execl("/proc/self/exe", "activated", (char *)NULL);
    _exit(127);
}

static void place(int fd, int number) {
    CHECK(dup2(fd, number) == number);
}

int main(void) {
    const char *generation = getenv("GENERATION");
    if (generation && *generation == '2')
        return activated();
    if (generation) {
        CHECK(activated() == 0);
        fork_working_child(start_successor);
        return 0;
    }
    struct address address = v4_loopback();
    int listener = fcntl(listen_at(&address), F_DUPFD, 50), client = fcntl(connect_to(&address), F_DUPFD, 50);
    int peer = fcntl(accept(listener, NULL, NULL), F_DUPFD_CLOEXEC, 50);
    place(listener, FIRST);
    place(client, FIRST + 1);
    place(listener, FIRST + 2);
    CHECK(close(client) == 0 && setenv("LISTEN_FDS", "3", 1) == 0);
    fork_working_child(start_successor);
    char bytes[18];
    CHECK(recv(peer, bytes, 18, MSG_WAITALL) == 18);
    return 0;
}
