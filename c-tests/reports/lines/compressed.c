// Compressed lines are left to the tool; names are not compressed.
// FLAGS: -gz=zlib
// EXPECT: lock-orphaned text~'"function":"take_and_stay"' count=1
// EXPECT-NOT: lock-orphaned at~lines
#include "fixture.h"

int main(void) {
    start_worker(take_and_stay);
    fork_living_child();
    return 0;
}
