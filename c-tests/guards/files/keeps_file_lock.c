// FORKGUARD_FILES=own: a child that unlocks a file which its leader has locked leaves the leader its lock.
// ENV: FORKGUARD_FILES=own
// EXPECT-NOT: lock-file-shared severity=error
// EXPECT-EVENT: child cures=[guard=files,action~'kept from']
// STDERR-NOT: lock-file-shared
#include "../../findings/lock-file-shared/fixture.h"

int main(void) {
    file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(file >= 0 && flock(file, LOCK_EX) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(flock(file, LOCK_UN) == 0);
        live();
    }
    EXITED(child, 0);
    CHECK(is_locked());
    return 0;
}
