// Children that ignore signals on purpose, or that nobody gives the time to end: SIGINT, which a pool ignores while it forks; a child that ignores
// SIGTERM itself, though its leader did, too; one at its default again; one that is killed at once; and one that nobody asked.
// EXPECT-NO-EVENT: finding severity=warning
// EXPECT-NOT: signals-blocked state=hit
#include "../handler-inherited/fixture.h"

static void ignore_itself(void) {
    CHECK(signal(SIGTERM, SIG_IGN) == SIG_IGN);
}

static void have_default(void) {
    CHECK(signal(SIGTERM, SIG_DFL) == SIG_IGN);
}

int main(void) {
    CHECK(signal(SIGINT, SIG_IGN) == SIG_DFL);
    pid_t interrupted = fork_child(NULL, wait_for_signals);
    CHECK(signal(SIGTERM, SIG_IGN) == SIG_DFL);
    pid_t own = fork_child(ignore_itself, wait_for_signals), none = fork_child(have_default, wait_for_signals);
    pid_t killed = fork_child(NULL, wait_for_signals), unasked = fork_child(NULL, wait_for_signals);
    CHECK(kill(interrupted, SIGINT) == 0 && kill(own, SIGTERM) == 0 && kill(none, SIGTERM) == 0);
    int status = status_of(none);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    sleep(2);
    CHECK(kill(killed, SIGTERM) == 0);
    end_by(killed, SIGKILL);
    end_by(interrupted, SIGKILL);
    end_by(own, SIGKILL);
    end_by(unasked, SIGKILL);
    return 0;
}
