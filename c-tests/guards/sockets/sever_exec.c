// A child that execs at once reports how its hazards ended, and has no child event.
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT-NO-EVENT: child
// EXPECT-NOT: fd-leaked-exec
// EXPECT-LAST: connection-inherited resolved because~'forkguard severed' count=1
#include "fixture.h"

static void until_the_leader_has_reported(void) { EVENTUALLY(reported(getppid(), "connection-inherited")); }

int main(void) {
    struct connection connection = connect_and_accept(v4_loopback());
    fork_and_execute(until_the_leader_has_reported);
    goes_on(connection);
    return 0;
}
