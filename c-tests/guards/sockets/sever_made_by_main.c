// What main connects may be for every child that it forks: no copy is spared, be it made right before the fork.
// ENV: FORKGUARD_SOCKETS=spare
// EXPECT: connection-inherited count=2
// EXPECT-NOT: connection-shared-use
// EXPECT-LAST: connection-inherited resolved because~'forkguard severed' count=2
#include "fixture.h"

int main(void) {
    struct connection connection = connect_and_accept(v4_loopback());
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            is_dead(connection.fd);
            live();
        }
        EXITED(child, 0);
    }
    goes_on(connection);
    return 0;
}
