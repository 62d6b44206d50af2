// Children that are like an earlier one execute a program that is given a socket too many: that is their own, but what they lost did them no harm.
// EXPECT: fd-leaked-exec count=3
// EXPECT-LAST: timer-lost moot count=3
// EXPECT-LAST-NOT: timer-lost open
#include "../../process.h"
#include <sys/socket.h>

int main(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(listener >= 0 && listen(listener, 1) == 0);
    alarm(600);
    for (int index = 0; index < 3; index++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            execl("/bin/true", "true", NULL);
            _exit(1);
        }
        EXITED(child, 0);
    }
    return 0;
}
