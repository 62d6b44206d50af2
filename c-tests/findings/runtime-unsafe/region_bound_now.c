// A loop of another schedule, from imports that are read-only after relocation.
// FLAGS: -fopenmp -Wl,-z,now,-z,relro
// ENV: OMP_NUM_THREADS=3
// EXPECT: join-lost-thread severity=error state=hit count=1 sites=[role=waits,frames.module~PROGRAM] sites=[role=started]
// EXPECT-LAST: join-lost-thread hit
// EXPECT-LAST: runtime-unsafe hit
#include "../../process.h"

static atomic_int ran;

static void region(void) {
#pragma omp parallel for schedule(dynamic, 1)
    for (int index = 0; index < 6; index++)
        ran++;
}

int main(void) {
    region();
    CHECK(ran == 6);
    fork_hanging_child("join-lost-thread", region);
    return 0;
}
