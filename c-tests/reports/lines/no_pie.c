// A program that is loaded where it was linked.
// FLAGS: -no-pie -fno-pie -O2
// EXPECT: lock-orphaned at~fixture.h:9 count=1 subject~mutex
// EXPECT: thread-lost at~process.h: count=1
#include "fixture.h"

int main(void) {
    start_worker(take_and_stay);
    fork_living_child();
    return 0;
}
