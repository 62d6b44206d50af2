// The child reads to the end of file from a pipe whose write end it holds itself.
// EXPECT: pipe-inherited severity=error state=hit subject~'is open only in itself' sites.role=opened count=1
#include "fixture.h"

static void leader_body(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        read_all(ends[0]);
    CHECK(write(ends[1], "line\n", 5) == 5 && close(ends[0]) == 0 && close(ends[1]) == 0);
    waitpid(child, NULL, 0);
}

int main(void) {
    end_once_reported(leader_body);
    return 0;
}
