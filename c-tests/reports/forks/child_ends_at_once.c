// A child that ends at once is not news.
// EXPECT-NO-EVENT: child
// EXPECT-EVENT: fork kind=fork count=1
// STDERR-NOT: worker
#include "../../living_child.h"

static void worker_body(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    _exit(0);
}
