// A lock of F_SETLK that is taken before the fork by which the program becomes a daemon ends with the process that took it.
// EXPECT: lock-file-shared severity=warning state=hit subject~'and has ended: the child has none' sites.role=taken count=1
// EXPECT-LAST: lock-file-shared resolved subject~'and has ended: the child has none'
// STDERR: lock-file-shared (warning): the lock by fcntl (F_SETLK)
#include "fixture.h"

int main(void) {
    file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(file >= 0 && lockf(file, F_TLOCK, 0) == 0);
    pid_t launcher = getpid();
    int done[2];
    CHECK(pipe(done) == 0);
    // The launcher of the daemon: this test's own process waits for both.
    pid_t first = fork();
    CHECK(first >= 0);
    if (first != 0) {
        char byte;
        EXITED(first, 0);
        CHECK(close(done[1]) == 0 && read(done[0], &byte, 1) == 0);
        return 0;
    }
    CHECK(launcher == getppid());
    int own = open("own.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(own >= 0 && lockf(own, F_TLOCK, 0) == 0);
    if (fork() != 0)
        _exit(0);
    setsid();
    settle();
    usleep(1000);
    poll(NULL, 0, 1500);
    CHECK(lockf(own, F_TLOCK, 0) == 0);
    live();
}
