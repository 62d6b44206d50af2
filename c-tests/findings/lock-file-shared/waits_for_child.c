// A wait for a lock that a copy of one's own keeps: it is told before, and taken back when the helper has ended. By a helper of a helper, too.
// EXPECT: lock-file-shared severity=error state=hit subject~'is refused: this process closed the file' count=1
// EXPECT-LAST: lock-file-shared resolved subject~'is refused: this process closed the file'
#include "fixture.h"

int main(void) {
    int held[2];
    char byte;
    file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(file >= 0 && flock(file, LOCK_EX) == 0 && pipe(held) == 0);
    pid_t between = fork();
    CHECK(between >= 0);
    if (between == 0) {
        if (fork() == 0) {
            close(held[1]);
            CHECK(read(held[0], &byte, 1) == 0);
            // The leader waits by then, or is told at once.
            usleep(100000);
        }
        _exit(0);
    }
    EXITED(between, 0);
    usleep(200000);
    CHECK(close(file) == 0 && close(held[0]) == 0);
    file = open("lock.pid", O_RDWR | O_CLOEXEC);
    pid_t waker = fork();
    CHECK(file >= 0 && waker >= 0);
    if (waker == 0) {
        until_blocked_in(SYS_flock, getppid());
        _exit(0);
    }
    CHECK(close(held[1]) == 0 && flock(file, LOCK_EX) == 0);
    EXITED(waker, 0);
    return 0;
}
