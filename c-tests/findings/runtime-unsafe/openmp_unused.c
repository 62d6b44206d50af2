// Linked to libgomp, whose pool was never started.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// EXPECT-NOT: runtime-unsafe
// EXPECT-EVENT: fork counts.threads=1
#include "../../process.h"

int main(int count, char **arguments) {
    (void)arguments;
    atomic_int ran = 0;
    if (count > 1) {
#pragma omp parallel
        ran++;
    }
    CHECK(ran == 0);
    fork_living_child();
    return 0;
}
