// Leader and child watch each other's end by a pipe each, in whose ends nobody writes: both wait, and that is meant.
// EXPECT-NOT: pipe-inherited severity=error
// STDERR-NOT: pipe-inherited
#include "fixture.h"

int main(void) {
    int of_leader[2], of_child[2];
    char byte;
    CHECK(pipe(of_leader) == 0 && pipe(of_child) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(of_leader[1]), close(of_child[0]);
        _exit(read(of_leader[0], &byte, 1) != 0);
    }
    CHECK(close(of_leader[0]) == 0 && close(of_child[1]) == 0);
    pid_t killer = fork();
    CHECK(killer >= 0);
    if (killer == 0) {
        close(of_leader[1]), close(of_child[0]);
        until_blocked_in(SYS_read, child);
        poll(NULL, 0, 200);
        _exit(kill(child, SIGKILL) != 0);
    }
    CHECK(read(of_child[0], &byte, 1) == 0);
    CHECK(WIFSIGNALED(status_of(child)));
    EXITED(killer, 0);
    return 0;
}
