// A vfork child that forks, which POSIX forbids and Linux allows: its leader's records stay the leader's.
// EXPECT-EVENT: fork kind=vfork fork~.1
// EXPECT: thread-lost subject~worker id~.2:thread-lost count=1
#include "../../process.h"

int main(void) {
    start_worker(stay_idle);
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        if (fork() == 0)
            _exit(0);
        _exit(0);
    }
    EXITED(child, 0);
    fork_living_child();
    return 0;
}
