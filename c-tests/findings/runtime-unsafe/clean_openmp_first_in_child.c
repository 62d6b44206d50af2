// OpenMP is used for the first time in the child.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// EXPECT-NOT: runtime-unsafe
// EXPECT-NO-EVENT: finding severity=error
#include "../../openmp_region.h"

int main(void) {
    fork_working_child(region);
    return 0;
}
