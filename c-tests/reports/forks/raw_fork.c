// _Fork runs no atfork handlers.
// GLIBC: 2.34 has _Fork
// EXPECT-EVENT: fork kind=raw-fork count=1
// EXPECT-NO-EVENT: fork kind=fork
#include "../../process.h"

int main(void) {
    pid_t child = _Fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    return 0;
}
