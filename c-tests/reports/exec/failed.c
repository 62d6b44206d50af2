// An exec that fails is no exec: the child lives on.
// EXPECT-EVENT: child count=1
// EXPECT-EVENT: fork kind=fork
#include "../../process.h"

int main(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        FAILS(ENOENT, execl("/no/such/program", "x", (char *)NULL));
        live();
    }
    EXITED(child, 0);
    return 0;
}
