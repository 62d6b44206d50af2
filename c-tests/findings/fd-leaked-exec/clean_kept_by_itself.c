// The child starts its own program anew with the listening socket it needs there, as servers do to upgrade without a gap.
// ENV: FORKGUARD=observe
// EXPECT-NOT: fd-leaked-exec
// EXPECT-EVENT: exec count=1
#include "../../leaks.h"

int main(int count, char **arguments) {
    struct address address = v4_loopback();
    if (count > 1)
        return listen(atoi(arguments[1]), 5) == 0 ? 0 : 1;
    char number[16], path[4096];
    snprintf(number, sizeof number, "%d", listen_leaking(&address));
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    CHECK(length > 0);
    path[length] = 0;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl(path, path, number, (char *)NULL);
        _exit(127);
    }
    EXITED(child, 0);
    return 0;
}
