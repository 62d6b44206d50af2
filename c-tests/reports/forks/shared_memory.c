// Children that run on the leader's memory end, by _exit and by exit: that is no end of the leader, which reports on.
// EXPECT-NO-EVENT: exit status=3
// EXPECT-NO-EVENT: exit status=4
// EXPECT-EVENT: fork kind=clone count=1
// EXPECT-EVENT: fork kind=vfork count=1
// EXPECT-EVENT: fork kind=fork count=2
// EXPECT-EVENT: exit status=0 call=_exit forks=2 spawns=2 count=1
#include "../../process.h"
#include <sched.h>

static char stack[65536] __attribute__((aligned(16)));

static int end_at_once(void *unused) {
    (void)unused;
    _exit(3);
}

int main(void) {
    fork_living_child();
    pid_t child = clone(end_at_once, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    EXITED(child, 3);
    child = vfork();
    CHECK(child >= 0);
    if (child == 0)
        exit(4);
    EXITED(child, 4);
    fork_living_child();
    // exit has run its handlers in the child already.
    _exit(0);
}
