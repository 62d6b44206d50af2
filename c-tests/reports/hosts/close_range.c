// A daemon closes everything by close_range: its events are still written.
// EXPECT-EVENT: fork kind=fork count=1
// EXPECT-EVENT: child settled=poll findings.warning=1 count=1
#include "../../process.h"

static void child_body(void) {
    CHECK(close_range(0, ~0U, 0) == 0);
}

int main(void) {
    start_worker(stay_idle);
    fork_working_child(child_body);
    return 0;
}
