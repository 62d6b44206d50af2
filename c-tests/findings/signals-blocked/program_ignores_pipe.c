// A program that ignores SIGPIPE for its own sockets gives that to what it starts: no more than information, and none where the child sets it back.
// ENV: FORKGUARD=observe
// EXPECT: signals-blocked severity=info state=hit count=1 subject~'SIGPIPE ignored in' subject~true sites.role=set sites.role=used
// EXPECT-NO-EVENT: finding severity=warning
#include "../../programs.h"

static void set_back(void) {
    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
}

int main(void) {
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    fork_and_execute(NULL);
    fork_and_execute(set_back);
    return 0;
}
