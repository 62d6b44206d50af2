// The second child holds the write end of the first one's pipe: the leader has closed its own and waits for the first child, which reads to
// the end of file.
// EXPECT: pipe-inherited severity=info subject~'1 end of a pipe' sites.role=opened count=1
// EXPECT: pipe-inherited severity=error state=hit subject~'the end of file never comes' sites.role=opened count=1
#include "fixture.h"

static pid_t start(int *input) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(ends[1]);
        read_all(ends[0]);
    }
    close(ends[0]);
    *input = ends[1];
    return child;
}

static void leader_body(void) {
    int one, other;
    pid_t first = start(&one);
    start(&other);
    CHECK(write(one, "line\n", 5) == 5 && close(one) == 0);
    waitpid(first, NULL, 0);
}

int main(void) {
    end_once_reported(leader_body);
    return 0;
}
