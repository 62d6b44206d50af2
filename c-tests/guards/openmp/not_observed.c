// FORKGUARD=observe: the pool stays and the child's regions ask for it, whatever FORKGUARD_OPENMP says.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// ENV: FORKGUARD=observe
// ENV: FORKGUARD_OPENMP=pause
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT-LAST: runtime-unsafe hit
#include "../../process.h"

static void region(void) {
    atomic_int ran = 0;
#pragma omp parallel
    ran++;
    CHECK(ran == 3);
}

int main(void) {
    region();
    fork_hanging_child("join-lost-thread", region);
    return 0;
}
