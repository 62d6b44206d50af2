// daemon forks inside libc: the atfork handlers report it, with all that it left behind.
// EXPECT-EVENT: fork kind=daemon detail=full count=1
// EXPECT: thread-lost subject~worker
#include "../../process.h"
#include <fcntl.h>

int main(void) {
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        start_worker(stay_idle);
        CHECK(daemon(1, 1) == 0);
        live();
    }
    EXITED(child, 0);
    // The daemon holds the other end until it ends.
    CHECK(close(ends[1]) == 0 && read(ends[0], &byte, 1) == 0);
    return 0;
}
