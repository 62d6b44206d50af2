// A connection that the forking function makes itself is its child's, and works there; the next child's copy is dead, as is what main made.
// ENV: FORKGUARD_SOCKETS=spare
// EXPECT: connection-inherited count=4
// EXPECT: connection-shared-use count=1
// EXPECT-LAST: connection-inherited resolved because~'forkguard severed' count=3
#include "fixture.h"

static struct connection early, for_child;

static void ask_as_child(void) {
    is_dead(early.fd);
    CHECK(send(for_child.fd, "question", 8, 0) == 8);
}

static void is_next_child(void) {
    is_dead(early.fd);
    is_dead(for_child.fd);
}

// The connection is made two calls further in, as by a client library.
__attribute__((noinline)) static struct connection connect_for(struct address address) {
    struct connection made = connect_and_accept(address);
    CHECK(made.fd > 2);
    return made;
}

__attribute__((noinline)) static void start_child(void (*body)(void), bool connects) {
    if (connects)
        for_child = connect_for(v4_loopback());
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        live();
    }
    EXITED(child, 0);
}

int main(void) {
    char bytes[8];
    early = connect_and_accept(v4_loopback());
    start_child(ask_as_child, true);
    CHECK(recv(for_child.peer, bytes, 8, MSG_WAITALL) == 8);
    start_child(is_next_child, false);
    goes_on(early);
    goes_on(for_child);
    return 0;
}
