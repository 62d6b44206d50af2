// The child of vfork lives in its parent's memory: its exec is the parent's event, and it writes nothing.
// EXPECT-EVENT: fork kind=vfork count=1
// EXPECT-NO-EVENT: child
#include "../../process.h"

int main(void) {
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    EXITED(child, 0);
    return 0;
}
