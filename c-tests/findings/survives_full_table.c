// The table of descriptors is full before the first fork: that there is no report is said once, and the program goes on.
// EXPECT-NO-EVENT: process
#include "fixture.h"
#include <fcntl.h>
#include <sys/resource.h>

static int occurrences(char *text, const char *part) {
    int count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

int main(void) {
    char said[65536] = "";
    int ends[2], kept = dup(2);
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64}) == 0 && pipe2(ends, O_NONBLOCK) == 0);
    CHECK(dup2(ends[1], 2) == 2);
    while (open("/dev/null", O_RDONLY) >= 0)
        ;
    CHECK(errno == EMFILE);
    for (int round = 0; round < 3; round++)
        fork_living_child();
    CHECK(dup2(kept, 2) == 2);
    CHECK(read(ends[0], said, sizeof said - 1) > 0);
    CHECK(occurrences(said, "forkguard: no report is written") == 1);
    return 0;
}
