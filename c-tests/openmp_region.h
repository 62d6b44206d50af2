// A region of OpenMP that runs with three threads, as OMP_NUM_THREADS asks.
#pragma once
#include "process.h"

static void region(void) {
    atomic_int ran = 0;
#pragma omp parallel
    ran++;
    CHECK(ran == 3);
}
