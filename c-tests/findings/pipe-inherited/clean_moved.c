// Moved ends of pipes that the worker closes, that it was given by number, or of which this process has both.
// EXPECT-NOT: pipe-inherited
#include "fixture.h"
#include <fcntl.h>

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
    int ends[2], both[2];
    CHECK(pipe(ends) == 0);
    pid_t filter = fork();
    CHECK(filter >= 0);
    if (filter == 0) {
        CHECK(close(ends[1]) == 0);
        read_all(ends[0]);
    }
    CHECK(dup3(ends[1], ends[0], O_CLOEXEC) == ends[0] && close(ends[1]) == 0);
    EXITED(fork_careful_child(ends[0]), 0);
    CHECK(close(ends[0]) == 0);
    EXITED(filter, 0);
    CHECK(pipe(both) == 0);
    int moved = dup(both[1]);
    CHECK(moved >= 0 && close(both[1]) == 0);
    fork_living_child();
    CHECK(close(moved) == 0 && close(both[0]) == 0);
    return 0;
}
