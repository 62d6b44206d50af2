// Started without descriptors 0, 1 and 2: the program gets those numbers, nothing of ours lies there.
#include "../../check.h"
#include <fcntl.h>

int main(int count, char **arguments) {
    if (count == 1) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            close(0), close(1), close(2);
            execl("/proc/self/exe", arguments[0], "again", (char *)NULL);
            _exit(99);
        }
        EXITED(child, 0);
        puts("ran without standard streams");
        return 0;
    }
    for (int expected = 0; expected < 8; expected++) {
        if (open("/dev/null", O_RDWR) != expected)
            return 20 + expected;
    }
    pid_t child = fork();
    if (child == 0)
        _exit(dup(0) != 8);
    int status;
    return waitpid(child, &status, 0) != child || status != 0;
}
