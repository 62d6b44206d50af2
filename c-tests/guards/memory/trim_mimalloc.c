// ENV: FORKGUARD_MEMORY=trim
// ENV: MIMALLOC_SEGMENT_DECOMMIT_DELAY=1000000
// LIBS: -lmimalloc
// GLIBC: 2.36 is the first whose Debian has mimalloc
// What mimalloc would keep for a thousand seconds is given back before the fork, by its own function.
// EXPECT-EVENT: child cures=[guard=memory,action~'given back',subject~kB]
#include "fixture.h"

int main(void) {
    fork_after_freeing(has_less);
    return 0;
}
