// The program gets the write end of the pipe that it reads: it never sees the end of its input.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1 subject~'the write end of a pipe' subject~cat
#include "../../filters.h"
#include <fcntl.h>

int main(void) {
    // Closed by the exec: its end says that there was one.
    int executed[2];
    CHECK(pipe2(executed, O_CLOEXEC) == 0);
    struct filter filter = start_filter(BY_FORK, NEGLECTS_OWN);
    CHECK(close(executed[1]) == 0 && read(executed[0], &(char){0}, 1) == 0);
    CHECK(close(filter.input) == 0 && kill(filter.process, SIGTERM) == 0);
    int status;
    CHECK(waitpid(filter.process, &status, 0) == filter.process);
    return 0;
}
