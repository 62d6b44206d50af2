// The leader reads its child's answer to the end of file, and holds the write end itself.
// EXPECT: pipe-inherited severity=error state=hit subject~'is open only in itself' sites.role=opened sites.role=waits count=1
#include "fixture.h"

static void leader_body(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(write(ends[1], "answer\n", 7) != 7);
    read_all(ends[0]);
}

int main(void) {
    end_once_reported(leader_body);
    return 0;
}
