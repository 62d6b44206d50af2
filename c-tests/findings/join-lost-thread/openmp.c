// An OpenMP region in the child after one in the leader: its pool is lost, and libgomp waits for it.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit
// EXPECT-LAST: runtime-unsafe hit
// STDERR: join-lost-thread
#include "../../openmp_region.h"

int main(void) {
    region();
    fork_hanging_child("join-lost-thread", region);
    return 0;
}
