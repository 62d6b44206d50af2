// clone that makes a process.
// EXPECT-EVENT: fork kind=clone count=1
// EXPECT-NO-EVENT: fork kind=fork
#include "../../process.h"
#include <sched.h>

static int body(void *unused) {
    (void)unused;
    return 3;
}

int main(void) {
    static char stack[65536] __attribute__((aligned(16)));
    EXITED(clone(body, stack + sizeof stack, SIGCHLD, NULL), 3);
    return 0;
}
