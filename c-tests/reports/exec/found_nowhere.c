// A search along PATH that finds nothing is no exec: the child lives on.
// EXPECT-NO-EVENT: exec
// EXPECT-EVENT: child count=1
#include "../../process.h"

int main(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        FAILS(ENOENT, execlp("no-such-program-anywhere", "x", (char *)NULL));
        live();
    }
    EXITED(child, 0);
    return 0;
}
