// FORKGUARD_OPENMP=pause: inside a region nothing can be released; the fork goes on, and the child's report has the error.
// FLAGS: -fopenmp -Wno-deprecated-openmp
// ENV: OMP_NUM_THREADS=3
// ENV: FORKGUARD_OPENMP=pause
// EXPECT: runtime-unsafe severity=warning count=1
// EXPECT-EVENT: child cures=[guard=openmp,action~'not released',failed=16]
#include "../../process.h"

int main(void) {
    atomic_int ran = 0;
#pragma omp parallel
    {
#pragma omp master
        fork_living_child();
        ran++;
    }
    CHECK(ran == 3);
#pragma omp parallel
    ran++;
    CHECK(ran == 6);
    return 0;
}
