// Children that a signal ends, or that nobody gives the time to: one whose handler ends it, one with a handler of its own, one at its default, one that is
// killed at once, and one that nobody asked.
// EXPECT-NO-EVENT: finding severity=warning
// EXPECT-NOT: handler-inherited state=hit
#include "fixture.h"

static void end(int unused) {
    (void)unused;
    _exit(0);
}

static void have_own_handler(void) {
    CHECK(signal(SIGTERM, note_too) == end);
}

static void have_none(void) {
    CHECK(signal(SIGTERM, SIG_DFL) == end);
}

int main(void) {
    CHECK(signal(SIGTERM, end) == SIG_DFL);
    CHECK(signal(SIGQUIT, note) == SIG_DFL);
    pid_t ends = fork_child(NULL, wait_for_signals), none = fork_child(have_none, wait_for_signals);
    pid_t own = fork_child(have_own_handler, wait_for_signals);
    pid_t killed = fork_child(NULL, wait_for_signals), unasked = fork_child(NULL, wait_for_signals);
    CHECK(kill(ends, SIGTERM) == 0 && kill(own, SIGTERM) == 0 && kill(none, SIGTERM) == 0);
    EXITED(ends, 0);
    int status = status_of(none);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    sleep(2);
    CHECK(kill(killed, SIGQUIT) == 0);
    end_by(killed, SIGKILL);
    end_by(own, SIGKILL);
    end_by(unasked, SIGKILL);
    return 0;
}
