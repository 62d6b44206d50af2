// The same by closefrom.
// GLIBC: 2.34 has closefrom
// EXPECT-EVENT: fork kind=fork count=1
// EXPECT-EVENT: child settled=poll findings.warning=1 count=1
#include "../../process.h"

static void child_body(void) {
    closefrom(0);
}

int main(void) {
    start_worker(stay_idle);
    fork_working_child(child_body);
    return 0;
}
