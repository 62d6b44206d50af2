// A daemon closes its locked file, to start anew, while a helper that it forked has a copy: it is refused its own lock.
// EXPECT: lock-file-shared severity=info state=open subject~'this process closes it, and it stays locked' sites.role=taken count=1
// EXPECT: lock-file-shared severity=error state=hit subject~'is refused: this process closed the file' sites.role=taken sites.role=used count=1
// STDERR: lock-file-shared (error): the lock by flock
#include "fixture.h"

static int locked(void) {
    int made = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(made >= 0);
    return made;
}

int main(void) {
    int held[2];
    char byte;
    file = locked();
    CHECK(flock(file, LOCK_EX | LOCK_NB) == 0 && pipe(held) == 0);
    pid_t helper = fork();
    CHECK(helper >= 0);
    if (helper == 0) {
        close(held[1]);
        CHECK(read(held[0], &byte, 1) == 0);
        _exit(0);
    }
    // A file that is closed sooner is the child's.
    usleep(200000);
    CHECK(close(file) == 0);
    file = locked();
    FAILS(EWOULDBLOCK, flock(file, LOCK_EX | LOCK_NB));
    FAILS(EWOULDBLOCK, flock(file, LOCK_EX | LOCK_NB));
    CHECK(close(held[0]) == 0 && close(held[1]) == 0);
    EXITED(helper, 0);
    CHECK(flock(file, LOCK_EX | LOCK_NB) == 0);
    return 0;
}
