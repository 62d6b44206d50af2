// vfork, as subprocess uses it.
// EXPECT-EVENT: fork kind=vfork count=1
// EXPECT-NO-EVENT: fork kind=fork
#include "../../process.h"

int main(void) {
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    return 0;
}
