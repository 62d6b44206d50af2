// FORKGUARD_OPENMP=single: the child's regions of every form run with one thread, also those that nobody entered before the fork; threads of
// its own have pools of their own.
// FLAGS: -fopenmp
// ENV: OMP_NUM_THREADS=3
// ENV: FORKGUARD_OPENMP=single
// EXPECT: runtime-unsafe state=open count=1
// EXPECT-LAST: runtime-unsafe resolved because~'forkguard runs'
// EXPECT-NOT: join-lost-thread
// EXPECT-EVENT: child cures=[guard=openmp,action~'one thread',subject~libgomp]
#include "../../process.h"
#include <omp.h>

static int region(void) {
    atomic_int ran = 0;
#pragma omp parallel
    ran++;
    return ran;
}

static int region_of_four(void) {
    atomic_int ran = 0;
#pragma omp parallel num_threads(4)
    ran++;
    return ran;
}

static void loops(void) {
    atomic_int sum = 0;
#pragma omp parallel for schedule(dynamic) num_threads(2)
    for (int i = 0; i < 100; i++)
        sum += i;
#pragma omp parallel for schedule(guided)
    for (int i = 0; i < 100; i++)
        sum += i;
#pragma omp parallel for schedule(runtime)
    for (int i = 0; i < 100; i++)
        sum += i;
    int total = 0;
#pragma omp parallel for schedule(static) reduction(+ : total)
    for (int i = 0; i < 100; i++)
        total += i;
    CHECK(sum == 3 * 4950 && total == 4950);
}

static void sections(void) {
    atomic_int done = 0;
#pragma omp parallel sections
    {
#pragma omp section
        done += 1;
#pragma omp section
        done += 2;
    }
    CHECK(done == 3);
}

static void tasks(void) {
    atomic_int done = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < 50; i++)
#pragma omp task shared(done)
        done++;
    CHECK(done == 50);
}

static void *other_thread(void *unused) {
    CHECK(region() == 3);
    loops();
    return unused;
}

static void child_body(void) {
    CHECK(region() == 1 && region_of_four() == 1);
    loops();
    sections();
    tasks();
    fork_working_child(loops);
    in_thread(other_thread, NULL);
    CHECK(region() == 1);
}

int main(void) {
    CHECK(region() == 3);
    fork_working_child(child_body);
    CHECK(region() == 3 && region_of_four() == 4);
    loops();
    return 0;
}
