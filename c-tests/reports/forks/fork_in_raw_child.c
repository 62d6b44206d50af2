// The child of a fork that no handler sees forks in its turn: its leader's threads were lost before, not now.
// EXPECT-EVENT: fork kind=fork counts.threads=1 count=1
// EXPECT-NOT: thread-lost
#include "../../process.h"

int main(void) {
    start_worker(stay_idle);
    pid_t child = (pid_t)syscall(SYS_fork);
    CHECK(child >= 0);
    if (child == 0) {
        fork_living_child();
        _exit(0);
    }
    EXITED(child, 0);
    return 0;
}
