// The worker drops its privileges and its root after the fork, as servers do.
// EXPECT-EVENT: fork kind=fork count=1
// EXPECT-EVENT: child settled=poll findings.warning=1 count=1
#include "../../process.h"
#include <sys/stat.h>

static void *body(void *unused) {
    (void)unused;
    stay();
}

int main(void) {
    start_worker(body);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (geteuid() == 0) {
            CHECK(mkdir("jail", 0755) == 0 && chroot("jail") == 0 && chdir("/") == 0);
            CHECK(setgid(65534) == 0 && setuid(65534) == 0);
        }
        live();
    }
    EXITED(child, 0);
    return 0;
}
