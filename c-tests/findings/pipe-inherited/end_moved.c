// The leader puts its end of a filter's pipe in the place of the other one, as Perl does, before it forks a worker that has nothing to do with it.
// FLAGS: -g
// EXPECT: pipe-inherited severity=info subject~'1 end of a pipe' sites=[role=opened,frames.function=main] count=1
#include "fixture.h"
#include <fcntl.h>

int main(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t filter = fork();
    CHECK(filter >= 0);
    if (filter == 0) {
        CHECK(close(ends[1]) == 0);
        read_all(ends[0]);
    }
    CHECK(dup3(ends[1], ends[0], O_CLOEXEC) == ends[0] && close(ends[1]) == 0);
    CHECK(write(ends[0], "line\n", 5) == 5);
    fork_living_child();
    CHECK(close(ends[0]) == 0);
    EXITED(filter, 0);
    return 0;
}
