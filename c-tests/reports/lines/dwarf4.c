// Lines of version 4 of DWARF.
// FLAGS: -gdwarf-4 -O2
// EXPECT: lock-orphaned at~fixture.h:9 count=1 subject~mutex
// EXPECT: thread-lost at~process.h: count=1
// STDERR: taken at fixture.h:9 in take_and_stay
// STDERR: started at process.h:
#include "fixture.h"

int main(void) {
    start_worker(take_and_stay);
    fork_living_child();
    return 0;
}
