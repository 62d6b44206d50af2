// ENV: FORKGUARD_MEMORY=trim
// ENV: MALLOC_CONF=dirty_decay_ms:-1
// LIBS: -l:libjemalloc.so.2
// What jemalloc itself would never give back is given back before the fork, by its own function.
// EXPECT-EVENT: child cures=[guard=memory,action~'given back',subject~kB]
#include "fixture.h"

int main(void) {
    fork_after_freeing(has_less);
    return 0;
}
