// A daemon call that cannot fork is reported with its error.
// EXPECT-EVENT: fork kind=daemon child=null failed=11 count=1
// EXPECT-NO-EVENT: fork kind=daemon failed=null
// EXPECT-NO-EVENT: child
#include "../../process.h"
#include <sys/resource.h>

int main(void) {
    if (geteuid() == 0) {
        // root is not bound by the limit.
        CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    }
    CHECK(setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0}) == 0);
    FAILS(EAGAIN, daemon(1, 1));
    return 0;
}
