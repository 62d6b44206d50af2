// The program gets the write end of the pipe that it reads: it never sees the end of its input.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1 subject~'the write end of a pipe' subject~cat
#include "../../filters.h"

int main(void) {
    struct filter filter = start_filter(BY_FORK, NEGLECTS_OWN);
    CHECK(close(filter.input) == 0 && kill(filter.process, SIGTERM) == 0);
    int status;
    CHECK(waitpid(filter.process, &status, 0) == filter.process);
    return 0;
}
