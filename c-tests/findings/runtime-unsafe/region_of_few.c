// Regions that need no lost thread, after a fork with a pool: one thread, a pool that was given up, another thread's pool.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// EXPECT: runtime-unsafe count=2
// EXPECT-NOT: join-lost-thread
// STDERR-NOT: error
#include "../../process.h"
#include <omp.h>

static atomic_int ran;

static void region(void) {
#pragma omp parallel
    ran++;
}

static void one_thread(void) {
    omp_set_num_threads(1);
    region();
    CHECK(ran == 4);
#pragma omp parallel num_threads(1)
    ran++;
#pragma omp parallel if (ran == 0)
    ran++;
    CHECK(ran == 6);
}

static void new_pool(void) {
    int before = ran;
    region();
    CHECK(ran == before + 3);
}

static void *run_and_stay(void *unused) {
    (void)unused;
    region();
    stay();
}

int main(void) {
    region();
    fork_working_child(one_thread);
    CHECK(omp_pause_resource_all(omp_pause_soft) == 0);
    start_worker(run_and_stay);
    fork_working_child(new_pool);
    return 0;
}
