// daemon(3) goes on in its leader's place, with the connections that were made for it.
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT-NOT: connection-shared-use
// EXPECT-NO-EVENT: child cures=[guard=sockets]
#include "fixture.h"

int main(void) {
    int done[2];
    char byte;
    CHECK(pipe(done) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct connection connection = connect_and_accept(v4_loopback());
        CHECK(daemon(1, 1) == 0);
        goes_on(connection);
        CHECK(write(done[1], "!", 1) == 1);
        live();
    }
    EXITED(child, 0);
    CHECK(close(done[1]) == 0 && read(done[0], &byte, 1) == 1);
    return 0;
}
