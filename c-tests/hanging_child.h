// The usual fixture of a lock that is hit: a worker takes it (`worker_body`) and stays; the child waits for it (`child_body`) and hangs.
#pragma once
#include "worker.h"

static void child_body(void);

int main(void) {
    start_worker(run_and_stay);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
