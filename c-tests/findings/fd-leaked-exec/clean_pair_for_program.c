// One end of a pair is for the program that the child starts: that is what pairs without close-on-exec are for.
// ENV: FORKGUARD=observe
// EXPECT-NOT: fd-leaked-exec
// EXPECT-EVENT: exec count=1
#include "../../leaks.h"

int main(void) {
    int ends[2];
    char number[32];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(close(ends[0]) == 0);
        snprintf(number, sizeof number, "echo told >&%d", ends[1]);
        execl("/bin/sh", "sh", "-c", number, (char *)NULL);
        _exit(127);
    }
    CHECK(close(ends[1]) == 0);
    char told[8];
    CHECK(recv(ends[0], told, 5, MSG_WAITALL) == 5 && memcmp(told, "told", 4) == 0);
    EXITED(child, 0);
    return 0;
}
