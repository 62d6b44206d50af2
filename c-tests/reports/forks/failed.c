// A fork that fails is reported with its error, and no finding is made of it.
// EXPECT-EVENT: fork kind=fork child=null failed=11 count=1
// EXPECT: thread-lost count=1
#include "../../process.h"
#include <sys/resource.h>

int main(void) {
    start_worker(stay_idle);
    fork_living_child();
    if (geteuid() == 0) {
        // root is not bound by the limit.
        CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    }
    CHECK(setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0}) == 0);
    FAILS(EAGAIN, fork());
    return 0;
}
