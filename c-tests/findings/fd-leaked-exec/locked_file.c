// The lock on a file lasts as long as a program has the file open that a child executes, or posix_spawn; not where it is closed on exec, or the lock is
// released, and not a lock of F_SETLK, which no program inherits.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=info state=hit subject~flock subject~leaked.lock subject~true sites=[role=taken,frames.module~PROGRAM] sites=[role=used] count=2
// EXPECT: fd-leaked-exec severity=info state=hit subject~F_OFD_SETLK count=1
// EXPECT: fd-leaked-exec count=3
// EXPECT-NO-EVENT: finding severity=warning
#define _GNU_SOURCE
#include "../../programs.h"
#include <fcntl.h>
#include <sys/file.h>

static int opened(const char *path, int flags) {
    int file = open(path, O_RDWR | O_CREAT | flags, 0600);
    CHECK(file >= 0);
    return file;
}

int main(void) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CHECK(flock(opened("leaked.lock", 0), LOCK_EX) == 0 && flock(opened("closed.lock", O_CLOEXEC), LOCK_EX) == 0);
    int released = opened("released.lock", 0);
    CHECK(flock(released, LOCK_EX) == 0 && flock(released, LOCK_UN) == 0);
    CHECK(fcntl(opened("process.lock", 0), F_SETLK, &whole) == 0);
    fork_and_execute(NULL);
    CHECK(fcntl(opened("open_file.lock", 0), F_OFD_SETLK, &whole) == 0);
    spawn_true(NULL);
    return 0;
}
