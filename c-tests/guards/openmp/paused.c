// FORKGUARD_OPENMP=pause: the pool is released before the fork; regions work in the leader, in its children and in theirs.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// ENV: FORKGUARD_OPENMP=pause
// EXPECT-NOT: thread-lost
// EXPECT-NOT: runtime-unsafe
// EXPECT-NOT: join-lost-thread
// EXPECT-EVENT: child cures=[guard=openmp,action~released,subject~libgomp,subject~'2 threads']
#include "../../openmp_region.h"

static void loop(void) {
    atomic_int sum = 0;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < 100; i++)
        sum += i;
    CHECK(sum == 4950);
}

static void child_body(void) {
    region();
    loop();
    fork_working_child(region);
    region();
}

int main(void) {
    region();
    fork_working_child(child_body);
    fork_working_child(child_body);
    loop();
    fork_working_child(loop);
    region();
    return 0;
}
