// The leader puts its end of a filter's pipe in the place of the other one, as Perl does, before it forks a worker that has nothing to do with it.
// FLAGS: -g
// EXPECT: pipe-inherited severity=info subject~'1 end of a pipe' sites=[role=opened,frames.function=start_filter] count=1
#include "moved.h"

int main(void) {
    int end;
    pid_t filter = start_filter(&end);
    CHECK(write(end, "line\n", 5) == 5);
    fork_living_child();
    CHECK(close(end) == 0);
    EXITED(filter, 0);
    return 0;
}
