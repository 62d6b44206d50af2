// The limit on file sizes is reached: no SIGXFSZ, no error reaches the program; once there is room the loss is reported.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT-EVENT: lost
#include "../../process.h"
#include <sys/resource.h>

static void fork_some(void) {
    for (int round = 0; round < 5; round++)
        fork_living_child();
}

int main(void) {
    struct rlimit limit, old;
    CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
    limit = old;
    limit.rlim_cur = 0;
    fork_some();
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    fork_some();
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    fork_some();
    return 0;
}
