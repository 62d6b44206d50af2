// A listening socket that the programs of vfork and posix_spawn get.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1 subject~'the socket at 127.0.0.1' subject~true
// EXPECT: fd-leaked-exec sites=[role=opened,frames.module~PROGRAM]
#include "../../filters.h"
#include "../../leaks.h"

int main(void) {
    struct address address = v4_loopback();
    listen_leaking(&address);
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    EXITED(child, 0);
    CHECK(posix_spawn(&child, "/bin/true", NULL, NULL, (char *[]){"true", NULL}, environ) == 0);
    EXITED(child, 0);
    return 0;
}
