// Ways that run no atfork handlers, more of them than are reported singly: the exit event of the process counts them.
// EXPECT-EVENT: exit spawns=200 forks=1 count=1
// EXPECT-EVENT: fork kind=fork count=1
#include "../../process.h"

static void spawn(void) {
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
}

int main(void) {
    for (int round = 0; round < 200; round++)
        spawn();
    fork_living_child();
    return 0;
}
