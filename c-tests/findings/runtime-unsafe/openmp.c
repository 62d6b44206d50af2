// An OpenMP region ran before the fork: its pool is not in the child.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// EXPECT: runtime-unsafe severity=warning state=open subject~OpenMP count=1
#include "../../process.h"

int main(void) {
    atomic_int ran = 0;
#pragma omp parallel
    ran++;
    CHECK(ran == 3);
    fork_living_child();
    return 0;
}
