// The child writes into a pipe that nobody reads any more but itself could: it gets no EPIPE.
// EXPECT: pipe-inherited severity=error state=hit subject~'it gets no EPIPE' count=1
#include "fixture.h"

static void leader_body(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        static char line[4096];
        while (write(ends[1], line, sizeof line) > 0)
            ;
        _exit(0);
    }
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    waitpid(child, NULL, 0);
}

int main(void) {
    end_once_reported(leader_body);
    return 0;
}
