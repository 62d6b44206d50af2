// The twin of bite.h: a worker takes a lock (the fixture's `work`) and stays; the child does the right thing (`deal`) and lives on.
#pragma once
#include "fixture.h"

static void work(void);
static void deal(void);

static void *work_and_stay(void *unused) {
    (void)unused;
    work();
    stay();
}

int main(void) {
    start_worker(work_and_stay);
    fork_working_child(deal);
    return 0;
}
