// A lock of F_SETLK is the leader's alone: the child that has the file has none, and its unlock changes nothing.
// EXPECT: lock-file-shared severity=info state=open subject~F_SETLK subject~'the child has none' sites.role=taken count=1
// EXPECT-NOT: lock-file-shared severity=error
// STDERR-NOT: lock-file-shared
#include "fixture.h"

static void unlock(void) {
    CHECK(lockf(file, F_ULOCK, 0) == 0);
}

int main(void) {
    file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CHECK(file >= 0 && fcntl(file, F_SETLK, &lock) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        settle();
        unlock();
        live();
    }
    EXITED(child, 0);
    return 0;
}
