// A shell's pipeline: each end where it belongs, the others closed everywhere; the leader waits for the last child, then for the first.
// EXPECT-NOT: pipe-inherited
// STDERR-NOT: pipe-inherited
#include "fixture.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t producer = fork();
    CHECK(producer >= 0);
    if (producer == 0) {
        CHECK(dup2(ends[1], 1) == 1 && close(ends[0]) == 0 && close(ends[1]) == 0);
        poll(NULL, 0, 100);
        _exit(write(1, "line\n", 5) != 5);
    }
    pid_t consumer = fork();
    CHECK(consumer >= 0);
    if (consumer == 0) {
        CHECK(dup2(ends[0], 0) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
        read_all(0);
    }
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    EXITED(consumer, 0);
    EXITED(producer, 0);
    return 0;
}
