// A blocked SIGWINCH harms nobody: listed, no finding.
// EXPECT-NOT: signals-blocked severity=warning
// EXPECT-EVENT: fork blocked=SIGWINCH
#include "../../process.h"

int main(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    fork_living_child();
    return 0;
}
