// The child has the program's own handler of SIGTERM, which only notes the signal: its leader asks it to end in vain, and kills it.
// FLAGS: -g
// EXPECT: handler-inherited severity=warning state=hit subject~'SIGTERM, sent to end it' sites=[role=set,frames.function=main] count=1
// EXPECT-LAST: handler-inherited hit subject=SIGTERM count=1
// STDERR: handler-inherited (warning): SIGTERM, sent to end it
#include "fixture.h"

int main(void) {
    CHECK(signal(SIGTERM, note) == SIG_DFL);
    pid_t child = fork_child(NULL, wait_for_signals);
    CHECK(kill(child, SIGTERM) == 0);
    sleep(2);
    end_by(child, SIGKILL);
    return 0;
}
