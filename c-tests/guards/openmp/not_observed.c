// FORKGUARD=observe: the pool stays and the child's regions ask for it, whatever the value of FORKGUARD_OPENMP.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// ENV: FORKGUARD=observe
// ENV: FORKGUARD_OPENMP=pause
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT-LAST: runtime-unsafe hit
#include "../../openmp_region.h"

int main(void) {
    region();
    fork_hanging_child("join-lost-thread", region);
    return 0;
}
