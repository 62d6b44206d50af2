// The same by F_OFD_SETLK.
// EXPECT: lock-file-shared severity=error state=hit subject~F_OFD_SETLK subject~'is released by the child' sites.role=taken count=1
#include "fixture.h"

static int set(short type) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
    return fcntl(file, F_OFD_SETLK, &lock);
}

static void unlock(void) {
    CHECK(set(F_UNLCK) == 0);
}

int main(void) {
    file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(file >= 0 && set(F_WRLCK) == 0);
    fork_working_child(unlock);
    return 0;
}
