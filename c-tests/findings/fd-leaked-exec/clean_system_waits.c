// A worker that tells its leader of its end by a pipe runs a command and waits for it: the pipe is open no longer than the worker lives. A
// command in the background would be another matter: system_in_background.c.
// ENV: FORKGUARD=observe
// EXPECT-NOT: fd-leaked-exec
#include "../../check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(close(ends[0]) == 0);
        _exit(system("true && exit 0") != 0);
    }
    CHECK(close(ends[1]) == 0 && read(ends[0], &(char){0}, 1) == 0);
    EXITED(child, 0);
    return 0;
}
