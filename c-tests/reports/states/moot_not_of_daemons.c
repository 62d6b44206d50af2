// A child that forks and ends at once, as a daemon's leader does: its own child has the same hazards and lives.
// EXPECT-EVENT: fork kind=fork count=2
// EXPECT: thread-lost count=1
// EXPECT-LAST-NOT: thread-lost moot
// EXPECT-LAST-NOT: lock-orphaned moot
#include "../../held_mutex.h"

int main(void) {
    int living[2];
    CHECK(pipe(living) == 0);
    start_worker(run_and_stay);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        pid_t own = getpid(), grandchild = fork();
        CHECK(grandchild >= 0);
        if (grandchild != 0)
            _exit(0);
        while (getppid() == own)
            brief_pause();
        live();
    }
    EXITED(child, 0);
    // Until the grandchild has ended, too.
    char byte;
    CHECK(close(living[1]) == 0 && read(living[0], &byte, 1) == 0);
    return 0;
}
