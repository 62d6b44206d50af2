// Exactly the listed signals return to their default in the child, whoever set their handlers; what was sent for the leader's handler
// meanwhile does not end the child once it unblocks them. One that is ignored stays so.
// ENV: FORKGUARD_SIGNALS=USR1,SIGTERM,HUP
// EXPECT-LAST: handler-inherited resolved subject~SIGUSR1 because~forkguard
// EXPECT-LAST: handler-inherited resolved subject~SIGTERM because~forkguard
// EXPECT-LAST: handler-inherited open subject~SIGUSR2
// EXPECT-EVENT: child cures=[guard=signals,subject=SIGUSR1] cures=[guard=signals,subject=SIGTERM]
// EXPECT-NO-EVENT: child cures=[subject=SIGHUP]
// EXPECT-NO-EVENT: child cures=[subject=SIGUSR2]
// EXPECT-NOT: handler-dropped
#include "fixture.h"

static void check(void) {
    sigset_t pending;
    struct sigaction ignored;
    CHECK(is_default(SIGUSR1) && is_default(SIGTERM) && is_caught(SIGUSR2));
    CHECK(sigaction(SIGHUP, NULL, &ignored) == 0 && ignored.sa_handler == SIG_IGN);
    CHECK(sigpending(&pending) == 0);
    CHECK(!sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGTERM) && sigismember(&pending, SIGUSR2));
}

int main(void) {
    sigset_t signals;
    CHECK(sigemptyset(&signals) == 0 && sigaddset(&signals, SIGUSR1) == 0 && sigaddset(&signals, SIGTERM) == 0);
    CHECK(sigaddset(&signals, SIGUSR2) == 0);
    set_handler(SIGUSR1);
    set_handler(SIGTERM);
    set_handler(SIGUSR2);
    CHECK(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    fork_child_sent(&signals, check);
    CHECK(is_caught(SIGUSR1) && is_caught(SIGTERM));
    return 0;
}
