// The same where the leader waits for the child's end: it is reported meanwhile, and taken back when the child has ended.
// EXPECT: signals-blocked severity=warning state=hit subject~'SIGQUIT, sent to end it' count=1
// EXPECT-LAST: signals-blocked resolved subject~'SIGQUIT, sent to end it' count=1
#include "../handler-inherited/fixture.h"

static void live_until_reported(void) {
    EVENTUALLY(reports("signals-blocked", "SIGQUIT, sent to end it"));
    _exit(0);
}

int main(void) {
    CHECK(signal(SIGQUIT, SIG_IGN) == SIG_DFL);
    pid_t child = fork_child(NULL, live_until_reported);
    CHECK(kill(child, SIGQUIT) == 0);
    EXITED(child, 0);
    return 0;
}
