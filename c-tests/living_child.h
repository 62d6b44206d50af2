// The usual fixture of a hazard: a worker does one thing (`worker_body`) and stays; main forks a child that lives on.
#pragma once
#include "worker.h"

int main(void) {
    start_worker(run_and_stay);
    fork_living_child();
    return 0;
}
