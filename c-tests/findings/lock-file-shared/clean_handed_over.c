// A daemon's lock: the leader has gone, or has closed the file, when the child releases it.
// EXPECT-NOT: lock-file-shared severity=error
// STDERR-NOT: lock-file-shared
#include "fixture.h"

int main(void) {
    int gone[2];
    char byte;
    file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(file >= 0 && flock(file, LOCK_EX) == 0 && pipe(gone) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(gone[1]);
        CHECK(read(gone[0], &byte, 1) == 0 && flock(file, LOCK_UN) == 0);
        live();
    }
    CHECK(close(file) == 0 && close(gone[0]) == 0 && close(gone[1]) == 0);
    EXITED(child, 0);
    return 0;
}
