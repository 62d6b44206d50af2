// Programs that ignore SIGINT and SIGCHLD may be meant to: no more than information.
// ENV: FORKGUARD=observe
// EXPECT: signals-blocked severity=info state=hit count=1 subject~'SIGINT, SIGCHLD ignored in' subject~true
// EXPECT-NO-EVENT: finding severity=warning
#include "../../programs.h"

int main(void) {
    CHECK(signal(SIGINT, SIG_IGN) != SIG_ERR);
    CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    FAILS(ECHILD, waitpid(child, NULL, 0));
    return 0;
}
