// FORKGUARD_FILES=own: an exit handler that a child has from its leader ends no process of the leader's.
// ENV: FORKGUARD_FILES=own
// EXPECT-NOT: exit-handler-inherited severity=warning
// EXPECT-LAST: exit-handler-inherited resolved because~forkguard
#include "../../findings/exit-handler-inherited/helper.h"

static void end_helper(void) { CHECK(kill(helper, SIGKILL) == 0); }

int main(void) {
    start_helper();
    CHECK(atexit(end_helper) == 0);
    pid_t child = fork();
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    CHECK(waitpid(helper, NULL, WNOHANG) == 0);
    CHECK(kill(helper, SIGTERM) == 0);
    KILLED(helper, SIGTERM);
    _exit(0);
}
