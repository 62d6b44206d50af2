// A daemon that goes on in its leader's place removes the file for it.
// EXPECT: exit-handler-inherited severity=info
// EXPECT-NOT: exit-handler-inherited severity=warning
#include "fixture.h"

static void remove_file(void) { unlink(path); }

static void become_daemon(void) {
    pid_t leader = getpid(), child = fork();
    CHECK(child >= 0);
    if (child != 0)
        _exit(0);
    EVENTUALLY(getppid() != leader);
    exit(0);
}

int main(void) {
    int ends[2];
    char byte;
    make_file();
    CHECK(pipe(ends) == 0 && atexit(remove_file) == 0);
    pid_t child = fork();
    if (child == 0)
        become_daemon();
    EXITED(child, 0);
    CHECK(close(ends[1]) == 0 && read(ends[0], &byte, 1) == 0 && access(path, F_OK) == -1);
    _exit(0);
}
