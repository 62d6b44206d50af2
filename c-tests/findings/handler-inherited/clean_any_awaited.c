// A leader that waits for any child waits for those that it has not asked to end, too: one that does not end is no news.
// EXPECT-NO-EVENT: finding severity=warning
// EXPECT-NOT: handler-inherited state=hit
#include "fixture.h"

static void live_on(void) {
    alarm(9);
    wait_for_signals();
}

static void work_long(void) {
    sleep(6);
    _exit(0);
}

int main(void) {
    CHECK(signal(SIGQUIT, note) == SIG_DFL);
    pid_t asked = fork_child(NULL, live_on), other = fork_child(NULL, work_long);
    CHECK(kill(asked, SIGQUIT) == 0);
    CHECK(wait(NULL) == other);
    return 0;
}
