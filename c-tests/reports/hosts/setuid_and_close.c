// Privileges dropped, then everything closed: what could be reopened by path as root cannot be now. Nothing may break.
// EXPECT-EVENT: fork kind=fork count=1
#include "../../process.h"

static void child_body(void) {
    if (geteuid() == 0)
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    CHECK(close_range(0, ~0U, 0) == 0);
}

int main(void) {
    fork_working_child(child_body);
    return 0;
}
