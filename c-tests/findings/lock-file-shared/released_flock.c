// A child unlocks a file that its leader has locked: the lock is the open file's, and the leader has lost it without knowing.
// EXPECT: lock-file-shared severity=info state=open subject~'the lock by flock' subject~lock.pid sites.role=taken count=1
// EXPECT: lock-file-shared severity=error state=hit subject~'is released by the child' sites.role=taken sites.role=used count=1
// STDERR: lock-file-shared (error): the lock by flock
#include "fixture.h"

static void unlock(void) {
    CHECK(flock(file, LOCK_UN) == 0);
}

int main(void) {
    file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(file >= 0 && flock(file, LOCK_EX) == 0);
    fork_working_child(unlock);
    CHECK(!is_locked());
    return 0;
}
