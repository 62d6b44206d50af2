// The worker resets the signal, and the program sets its handler again before it waits for work.
// PLUGIN: resets_signals
// EXPECT: handler-inherited subject~SIGUSR2 count=1
// EXPECT-NOT: handler-dropped
// EXPECT-LAST: handler-inherited resolved subject~SIGUSR2
#include "../../resets_signals.h"

static void start_worker_process(void) {
    reset(SIGUSR2);
    set_handler(SIGUSR2);
}

int main(void) {
    set_handler(SIGUSR2);
    fork_working_child(start_worker_process);
    return 0;
}
