// Two descriptors are free before the first fork: enough for the report, which leaves the host its last one.
// EXPECT-EVENT: process count=1
// EXPECT-EVENT: fork kind=fork count=3
#include "../../process.h"
#include <fcntl.h>
#include <sys/resource.h>

int main(void) {
    int last = -1;
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64}) == 0);
    for (int fd; (fd = open("/dev/null", O_RDONLY)) >= 0;)
        last = fd;
    CHECK(errno == EMFILE && close(last) == 0 && close(last - 1) == 0);
    for (int round = 0; round < 3; round++)
        fork_living_child();
    CHECK(open("/dev/null", O_RDONLY) >= 0);
    return 0;
}
