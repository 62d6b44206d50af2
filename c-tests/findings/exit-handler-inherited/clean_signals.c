// A child's handler, which it has from its leader, ends the child's own process, asks the leader's whether it is there, and tells the leader.
// EXPECT: exit-handler-inherited severity=info
// EXPECT-NOT: exit-handler-inherited severity=warning
#include "helper.h"

static pid_t leader, own;

static void ends(void) {
    if (getpid() == leader)
        return;
    CHECK(kill(helper, 0) == 0 && kill(leader, SIGUSR1) == 0 && kill(own, SIGTERM) == 0);
    KILLED(own, SIGTERM);
}

int main(void) {
    signal(SIGUSR1, SIG_IGN);
    leader = getpid();
    start_helper();
    CHECK(atexit(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        own = fork();
        while (own == 0)
            pause();
        exit(0);
    }
    EXITED(child, 0);
    CHECK(kill(helper, SIGKILL) == 0);
    KILLED(helper, SIGKILL);
    return 0;
}
