// The same by closing one after another.
// EXPECT-EVENT: fork kind=fork count=1
// EXPECT-EVENT: child settled=poll findings.warning=1 count=1
#include "../../process.h"

static void child_body(void) {
    for (int fd = 0; fd < 4096; fd++)
        close(fd);
}

int main(void) {
    start_worker(stay_idle);
    fork_working_child(child_body);
    return 0;
}
