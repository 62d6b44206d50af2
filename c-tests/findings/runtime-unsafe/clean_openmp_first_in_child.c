// OpenMP is used for the first time in the child.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// EXPECT-NOT: runtime-unsafe
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"

static void region(void) {
    atomic_int ran = 0;
#pragma omp parallel
    ran++;
    CHECK(ran == 3);
}

int main(void) {
    fork_working_child(region);
    return 0;
}
