// Lines of version 3 of DWARF.
// FLAGS: -gdwarf-3 -O2
// EXPECT: lock-orphaned at~lines.h:9 count=1 subject~mutex
// EXPECT: thread-lost at~fixture.h: count=1
// STDERR: taken at lines.h:9 in take_and_stay
// STDERR: started at fixture.h:
#include "lines.h"

int main(void) {
    start_worker(take_and_stay);
    fork_living_child();
    return 0;
}
