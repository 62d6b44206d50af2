// ENV: FORKGUARD_MEMORY=trim
// Memory that was freed below memory that is still used is given back before the fork.
// EXPECT-EVENT: child cures=[guard=memory,action~'given back',subject~kB]
#include "fixture.h"

int main(void) {
    fork_after_freeing(has_less);
    return 0;
}
