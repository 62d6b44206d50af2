// All signals are blocked for the moment of the fork only, as shells do it: leader and child have their own masks again at once.
// EXPECT-LAST: signals-blocked resolved count=1
// EXPECT-NO-EVENT: finding severity=warning
#include "../../process.h"

int main(void) {
    sigset_t all, before;
    sigfillset(&all);
    CHECK(sigprocmask(SIG_SETMASK, &all, &before) == 0);
    pid_t child = fork();
    CHECK(child >= 0 && sigprocmask(SIG_SETMASK, &before, NULL) == 0);
    if (child == 0)
        live();
    EXITED(child, 0);
    return 0;
}
