// A worker that opens the lock's file itself; one that only closes what it inherited; and a leader that had released its lock before.
// EXPECT-NOT: lock-file-shared severity=error
// STDERR-NOT: lock-file-shared
#include "fixture.h"

static void lock_own(void) {
    int own = open("own", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(own >= 0 && flock(own, LOCK_EX) == 0 && flock(own, LOCK_UN) == 0 && close(own) == 0);
    CHECK(close(file) == 0);
}

static void unlock_again(void) {
    CHECK(flock(file, LOCK_UN) == 0);
}

int main(void) {
    file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(file >= 0 && flock(file, LOCK_EX) == 0);
    fork_working_child(lock_own);
    CHECK(is_locked());
    CHECK(flock(file, LOCK_UN) == 0);
    fork_working_child(unlock_again);
    return 0;
}
