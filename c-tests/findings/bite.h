// The usual fixture of a lock that bites: a worker takes it (the fixture's `work`) and stays; the child runs into it (`bite`) and hangs.
#pragma once
#include "fixture.h"

static void work(void);
static void bite(void);

static void *work_and_stay(void *unused) {
    (void)unused;
    work();
    stay();
}

int main(void) {
    start_worker(work_and_stay);
    fork_hanging_child("lock-deadlock", bite);
    return 0;
}
