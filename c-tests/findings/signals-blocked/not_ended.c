// The leader ignores SIGTERM while it forks, and so does the child: it is asked to end in vain, and killed.
// FLAGS: -g
// EXPECT: signals-blocked severity=warning state=hit subject~'SIGTERM, sent to end it' subject~'it was ignored before the fork' count=1
// EXPECT: signals-blocked sites=[role=set,frames.function=main]
// EXPECT-NOT: handler-inherited
// STDERR: signals-blocked (warning): SIGTERM, sent to end it
#include "../handler-inherited/fixture.h"

int main(void) {
    CHECK(signal(SIGTERM, SIG_IGN) == SIG_DFL);
    pid_t child = fork_child(NULL, wait_for_signals);
    CHECK(signal(SIGTERM, SIG_DFL) == SIG_IGN);
    CHECK(kill(child, SIGTERM) == 0);
    sleep(2);
    end_by(child, SIGKILL);
    return 0;
}
