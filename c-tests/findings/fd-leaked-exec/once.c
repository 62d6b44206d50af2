// The child looks for a program in several places: only the exec that works leaks.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1
// EXPECT-EVENT: exec count=1
#include "../../leaks.h"

int main(void) {
    struct address address = v4_loopback();
    listen_leaking(&address);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        FAILS(ENOENT, execl("/no/such/true", "true", (char *)NULL));
        FAILS(EACCES, execl("/dev/null", "true", (char *)NULL));
        CHECK(setenv("PATH", "/no/such:/:/usr/bin:/bin", 1) == 0);
        execlp("true", "true", (char *)NULL);
        _exit(127);
    }
    EXITED(child, 0);
    return 0;
}
