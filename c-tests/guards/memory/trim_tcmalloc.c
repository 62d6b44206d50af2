// ENV: FORKGUARD_MEMORY=trim
// ENV: TCMALLOC_RELEASE_RATE=0
// LIBS: -l:libtcmalloc_minimal.so.4
// What tcmalloc itself would never give back is given back before the fork, by its own function.
// EXPECT-EVENT: child cures=[guard=memory,action~'given back',subject~kB]
#include "fixture.h"

int main(void) {
    fork_after_freeing(has_less);
    return 0;
}
