// FORKGUARD_OPENMP=pause: a handler of a signal may have come in the middle of anything: its forks find the pool as it is.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// ENV: FORKGUARD_OPENMP=pause
// EXPECT: runtime-unsafe severity=warning count=1
// EXPECT-EVENT: child cures=[guard=openmp,action~'not released',failed=16]
#include "../../openmp_region.h"

static void forks(int signal) {
    (void)signal;
    fork_living_child();
}

int main(void) {
    region();
    CHECK(signal(SIGUSR1, forks) != SIG_ERR);
    CHECK(raise(SIGUSR1) == 0);
    region();
    return 0;
}
