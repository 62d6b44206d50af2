// A worker thread that runs the fixture's `worker_body` and stays: what the three usual shapes of a fixture share.
#pragma once
#include "process.h"

static void worker_body(void);

static void *run_and_stay(void *unused) {
    (void)unused;
    worker_body();
    stay();
}
