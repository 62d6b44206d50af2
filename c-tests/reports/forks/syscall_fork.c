// fork through syscall.
// EXPECT-EVENT: fork kind=syscall count=1
// EXPECT-NO-EVENT: fork kind=fork
#include "../../process.h"

int main(void) {
    pid_t child = (pid_t)syscall(SYS_fork);
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    return 0;
}
