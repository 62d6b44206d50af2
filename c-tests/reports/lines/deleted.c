// The program's file is deleted before the first fork: another one may lie there by now.
// EXPECT: lock-orphaned count=1
// EXPECT-NOT: lock-orphaned at~lines
#include "fixture.h"

int main(void) {
    start_worker(take_and_stay);
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    CHECK(length > 0);
    path[length] = 0;
    CHECK(unlink(path) == 0);
    fork_living_child();
    return 0;
}
