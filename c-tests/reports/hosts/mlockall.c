// All memory, present and future, is locked: forks are reported as ever.
// EXPECT-EVENT: fork kind=fork detail=full count=10
// EXPECT-EVENT: child count=10
#include "../../process.h"
#include <sys/mman.h>

int main(void) {
    // Without privileges the limit on locked memory may forbid it.
    if (geteuid() == 0)
        CHECK(mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
    for (int round = 0; round < 10; round++)
        fork_living_child();
    return 0;
}
