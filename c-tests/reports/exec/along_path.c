// A child that execs: one event, though the search along PATH made failing calls first; and nothing is printed for it.
// EXPECT-EVENT: exec program~true count=1
// EXPECT-NO-EVENT: child
// STDERR-NOT: worker
#include "../../process.h"

int main(void) {
    start_worker(stay_idle);
    CHECK(setenv("PATH", "/no/such:/etc/passwd:/tmp:/usr/bin:/bin", 1) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execlp("true", "true", (char *)NULL);
        _exit(1);
    }
    EXITED(child, 0);
    return 0;
}
