// A worker's pipe that stays open in what its command leaves in the background: its leader does not see the worker's end.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1 subject~'the write end of a pipe' subject~/bin/sh
#include "../../check.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(close(ends[0]) == 0);
        exit(system("sleep 0.1 & ") != 0);
    }
    CHECK(close(ends[1]) == 0 && read(ends[0], &(char){0}, 1) == 0);
    EXITED(child, 0);
    return 0;
}
