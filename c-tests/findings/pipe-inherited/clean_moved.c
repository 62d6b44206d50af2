// Moved ends of pipes that the worker closes, that it was given by number, or of which this process has both.
// EXPECT-NOT: pipe-inherited
#include "moved.h"

// The worker closes this one before it waits for work.
static pid_t fork_careful_child(int end) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(close(end) == 0);
        live();
    }
    return child;
}

int main(void) {
    int end, both[2];
    pid_t filter = start_filter(&end);
    EXITED(fork_careful_child(end), 0);
    CHECK(close(end) == 0);
    EXITED(filter, 0);
    CHECK(pipe(both) == 0);
    int moved = dup(both[1]);
    CHECK(moved >= 0 && close(both[1]) == 0);
    fork_living_child();
    CHECK(close(moved) == 0 && close(both[0]) == 0);
    return 0;
}
