// The second terminal's program inherits the first one's master: closing that hangs nobody up while the second runs.
// ENV: FORKGUARD=observe
// FLAGS: -g
// EXPECT: fd-leaked-exec severity=warning state=hit count=1 subject~'the master of a pseudoterminal'
// EXPECT: fd-leaked-exec sites=[role=opened,frames.function=start_terminal]
// EXPECT: fd-leaked-exec sites=[role=used,frames.module~PROGRAM]
#include "../../terminals.h"

int main(void) {
    struct terminal first = start_terminal(), second = start_terminal();
    CHECK(close(first.master) == 0);
    CHECK(kill(first.program, 0) == 0);
    end_terminal(second.program);
    CHECK(close(second.master) == 0);
    end_terminal(first.program);
    return 0;
}
