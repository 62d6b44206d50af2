// The twin of hanging_child.h: the child does the right thing (`child_body`) and lives on.
#pragma once
#include "worker.h"

static void child_body(void);

int main(void) {
    start_worker(run_and_stay);
    fork_working_child(child_body);
    return 0;
}
