// Two workers lock a file that was opened before they were forked: the lock is the open file's, so that it keeps neither of them out.
// EXPECT: lock-file-shared severity=error state=hit subject~'is given to the child while process' subject~lock.pid sites=[role=opened] sites=[role=used,frames.function~take] count=1
// STDERR: lock-file-shared (error): the lock by flock
// STDERR: anew and take the lock in
#include "fixture.h"

static int taken[2], done[2];

static void take(void) {
    CHECK(flock(file, LOCK_EX) == 0);
}

static void first(void) {
    char byte = 0;
    take();
    CHECK(write(taken[1], &byte, 1) == 1 && read(done[0], &byte, 1) == 1);
    CHECK(flock(file, LOCK_UN) == 0);
}

static void second(void) {
    char byte = 0;
    CHECK(read(taken[0], &byte, 1) == 1);
    take();
    CHECK(flock(file, LOCK_UN) == 0 && write(done[1], &byte, 1) == 1);
}

int main(void) {
    file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(file >= 0 && pipe(taken) == 0 && pipe(done) == 0);
    pid_t one = start_working_child(first), other = start_working_child(second);
    EXITED(one, 0);
    EXITED(other, 0);
    return 0;
}
