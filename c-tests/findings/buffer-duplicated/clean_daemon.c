// A leader that ends without writing leaves it to its child, which goes on in its place.
// EXPECT: buffer-duplicated severity=info count=2
// EXPECT-NOT: buffer-duplicated state=hit
#include "fixture.h"

static void become_daemon(void) {
    pid_t leader = getpid(), child = fork();
    CHECK(child >= 0);
    if (child != 0)
        _exit(0);
    EVENTUALLY(getppid() != leader);
    exit(0);
}

int main(void) {
    stream_with_line();
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0)
        become_daemon();
    EXITED(child, 0);
    // The daemon has ended: nobody else has that end of the pipe.
    CHECK(close(ends[1]) == 0 && read(ends[0], &byte, 1) == 0 && lines() == 1);
    _exit(unlink(path));
}
