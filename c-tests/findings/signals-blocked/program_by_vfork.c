// The same by vfork, with a signal that is ignored, too.
// ENV: FORKGUARD=observe
// EXPECT: signals-blocked severity=warning state=hit count=1 subject~'SIGUSR1 blocked, SIGTERM ignored in' subject~true
// EXPECT: signals-blocked sites=[role=set,frames.module~PROGRAM]
// EXPECT: signals-blocked sites=[role=blocked,frames.module~PROGRAM]
// EXPECT: signals-blocked sites=[role=used,frames.module~PROGRAM]
#include "../../programs.h"

int main(void) {
    block(SIGUSR1);
    CHECK(signal(SIGTERM, SIG_IGN) != SIG_ERR);
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    EXITED(child, 0);
    return 0;
}
