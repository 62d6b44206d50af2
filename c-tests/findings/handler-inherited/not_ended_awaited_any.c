// The same where the leader waits for any child, as pools do: all of its children were sent the signal.
// EXPECT: handler-inherited severity=warning state=hit subject~'SIGQUIT, sent to end it' count=1
// EXPECT-LAST: handler-inherited resolved subject~'SIGQUIT, sent to end it' count=1
#include "fixture.h"

static void live_until_reported(void) {
    EVENTUALLY(reports("handler-inherited", "SIGQUIT, sent to end it"));
    _exit(0);
}

int main(void) {
    CHECK(signal(SIGQUIT, note) == SIG_DFL);
    pid_t child = fork_child(NULL, live_until_reported);
    CHECK(kill(child, SIGQUIT) == 0);
    CHECK(wait(NULL) == child);
    return 0;
}
