// Without debug information and names of its own there are none.
// FLAGS: -s
// EXPECT: lock-orphaned count=1
// EXPECT-NOT: lock-orphaned at~lines
// EXPECT-NOT: lock-orphaned subject~'mutex mutex'
// STDERR-NOT: lines.h
#include "fixture.h"

int main(void) {
    start_worker(take_and_stay);
    fork_living_child();
    return 0;
}
