// What is right: a child that serves the connection, also after the leader's greeting; a leader that shuts it down; a client that has gone; a child
// that closes its copy; a leader that hands it over without a word, however long the child thinks; and one that still serves.
// EXPECT: socket-inherited severity=info
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-NO-EVENT: finding severity=warning
// STDERR-NOT: socket-inherited
#include "fixture.h"

static void greet(int fd) { CHECK(send(fd, "hello", 5, 0) == 5); }
static void drop(int fd) { CHECK(close(fd) == 0); }

static void done(struct served served, struct idle_child child) {
    end_idle_child(child);
    CHECK(close(served.client) == 0 && close(served.listener) == 0);
}

int main(void) {
    struct served served = accept_one(v4_loopback());
    struct idle_child child = fork_idle_child(served.client, greet, served.fd);
    greet(served.fd), drop(served.fd), done(served, child);

    served = accept_one(v4_loopback());
    child = fork_idle_child(served.client, NULL, served.fd);
    greet(served.fd);
    CHECK(shutdown(served.fd, SHUT_RDWR) == 0);
    drop(served.fd), done(served, child);

    served = accept_one(v4_loopback());
    child = fork_idle_child(served.client, NULL, served.fd);
    greet(served.fd);
    CHECK(shutdown(served.client, SHUT_RDWR) == 0 && poll(&(struct pollfd){served.fd, POLLRDHUP, 0}, 1, -1) == 1);
    drop(served.fd), done(served, child);

    served = accept_one(v4_loopback());
    child = fork_idle_child(served.client, drop, served.fd);
    greet(served.fd), drop(served.fd), done(served, child);

    served = accept_one(v4_loopback());
    greet(served.fd);
    child = fork_idle_child(served.client, NULL, served.fd);
    drop(served.fd), done(served, child);

    served = accept_one(v4_loopback());
    child = fork_idle_child(served.client, NULL, served.fd);
    greet(served.fd);
    end_idle_child(child);
    drop(served.fd);
    return 0;
}
