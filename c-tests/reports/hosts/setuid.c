// The worker drops its privileges and its root after the fork, as servers do.
// EXPECT-EVENT: fork kind=fork count=1
// EXPECT-EVENT: child settled=poll findings.warning=1 count=1
#include "../../process.h"
#include <sys/stat.h>

static void child_body(void) {
    if (geteuid() == 0) {
        CHECK(mkdir("jail", 0755) == 0 && chroot("jail") == 0 && chdir("/") == 0);
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    }
}

int main(void) {
    start_worker(stay_idle);
    fork_working_child(child_body);
    return 0;
}
