// The table of descriptors is full before the first fork: the report is written all the same, and takes none of them.
// EXPECT: file-offset-shared severity=info count=3
#include "../../process.h"
#include <fcntl.h>
#include <sys/resource.h>

int main(void) {
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64}) == 0);
    while (open("/dev/null", O_RDONLY) >= 0)
        ;
    CHECK(errno == EMFILE && close(63) == 0 && open("/proc/self/exe", O_RDONLY) == 63);
    for (int round = 0; round < 3; round++)
        fork_living_child();
    CHECK(close(63) == 0 && dup(2) == 63);
    return 0;
}
