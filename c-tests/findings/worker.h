// The usual fixture: a worker does one thing (the fixture's `work`) and stays; main forks a child that lives on.
#pragma once
#include "fixture.h"

static void work(void);

static void *work_and_stay(void *unused) {
    (void)unused;
    work();
    stay();
}

int main(void) {
    start_worker(work_and_stay);
    fork_living_child();
    return 0;
}
