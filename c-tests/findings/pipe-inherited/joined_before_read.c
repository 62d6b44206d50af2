// A leader waits for its child's end before it reads the child's output, which does not fit into the pipe: neither goes on.
// EXPECT: pipe-inherited severity=error state=hit subject~'a full pipe that nobody reads' subject~'waits for its end first' sites=[role=opened,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM] count=1
// STDERR: before waiting for the end of who writes there
#include "fixture.h"

static void leader_body(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        static char report[1 << 20];
        CHECK(write(ends[1], report, sizeof report) == sizeof report);
        _exit(0);
    }
    CHECK(close(ends[1]) == 0);
    waitpid(child, NULL, 0);
}

int main(void) {
    end_once_reported(leader_body);
    return 0;
}
