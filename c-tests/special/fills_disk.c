// The report's file system is full for a while: the program, which makes it so itself, goes on unharmed.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT-EVENT: lost
// EXPECT-EVENT: fork kind=fork
// EXPECT-EVENT: exit status=0 call=exit forks=15 count=1
#include "../findings/fixture.h"
#include <fcntl.h>

static void fork_some(void) {
    for (int round = 0; round < 5; round++)
        fork_living_child();
}

int main(void) {
    char bytes[512] = "", path[4096];
    fork_some();
    snprintf(path, sizeof path, "%s/ballast", getenv("FORKGUARD_REPORT"));
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    CHECK(fd >= 0);
    while (write(fd, bytes, sizeof bytes) > 0)
        ;
    CHECK(errno == ENOSPC && close(fd) == 0);
    fork_some();
    CHECK(unlink(path) == 0);
    fork_some();
    return 0;
}
