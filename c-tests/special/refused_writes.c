// Writes to the report fail for a while (the process's limit of file sizes, which raises SIGXFSZ): the program goes on unharmed.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT-EVENT: lost
// EXPECT-EVENT: fork kind=fork
// EXPECT-EVENT: exit status=0 call=exit forks=15 count=1
#include "../process.h"
#include <sys/resource.h>

static void fork_some(void) {
    for (int round = 0; round < 5; round++)
        fork_living_child();
}

static void limit_files_to(rlim_t bytes) {
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

int main(void) {
    fork_some();
    limit_files_to(1);
    fork_some();
    limit_files_to(RLIM_INFINITY);
    fork_some();
    return 0;
}
