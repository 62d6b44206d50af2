// A child starts its lost thread again: nothing is printed of it, though no report is written.
// ENV: FORKGUARD_REPORT=none
// STDERR-NOT: thread-lost
#include "../../process.h"

static void start(void) {
    start_worker(stay_idle);
}

int main(void) {
    start();
    fork_working_child(start);
    return 0;
}
