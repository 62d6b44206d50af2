// SIGTERM blocked at the fork: the child cannot be stopped by it.
// EXPECT: signals-blocked severity=info state=open text~SIGTERM
// EXPECT-LAST: signals-blocked open severity=warning
// EXPECT-EVENT: fork blocked=SIGTERM
#include "../../process.h"

int main(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    fork_living_child();
    return 0;
}
