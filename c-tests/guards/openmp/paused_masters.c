// FORKGUARD_OPENMP=pause: each thread that enters regions has a pool of its own; the one of the thread that forks is released.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// ENV: FORKGUARD_OPENMP=pause
// EXPECT: thread-lost count=3
// EXPECT-NOT: join-lost-thread
// EXPECT-EVENT: child cures=[guard=openmp,action~released,subject~'2 threads']
#include "../../openmp_region.h"

static void *master(void *unused) {
    (void)unused;
    region();
    stay();
}

int main(void) {
    region();
    start_worker(master);
    fork_working_child(region);
    region();
    return 0;
}
