// The child waits in an inline futex for a lost thread: its leader finds it, from the calls in which it is idle itself.
// EXPECT: join-lost-thread severity=error state=hit subject~worker count=1
// EXPECT: join-lost-thread sites=[role=started,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit count=1
// STDERR: join-lost-thread
#include "idle.h"

static atomic_int word;

int main(void) {
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        wait_inline(&word, NULL);
    for (int round = 0; round < 200 && !reported(getpid(), "join-lost-thread"); round++)
        idle_for(1);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(WIFSIGNALED(status_of(child)));
    CHECK(reported(getpid(), "join-lost-thread"));
    return 0;
}
