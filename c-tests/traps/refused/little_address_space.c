// A program that is given 12 MB of addresses (`ulimit -v 12000`), as some are by those who start them.
// WITHOUT: jemalloc (it needs more of them itself)
// REPORT: none (there is no room to make one)
#include "../../check.h"
#include <sys/resource.h>

int main(int count, char **arguments) {
    const struct rlimit little = {12000 << 10, 12000 << 10};
    if (count == 1) {
        char *again[] = {arguments[0], "again", NULL};
        CHECK(setrlimit(RLIMIT_AS, &little) == 0);
        execv("/proc/self/exe", again);
        CHECK(!"came back");
    }
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    puts("started, and forked");
    return 0;
}
