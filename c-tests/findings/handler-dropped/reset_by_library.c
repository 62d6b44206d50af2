// The worker's own code resets one signal and ignores another, which the program had handlers for.
// PLUGIN: resets_signals
// EXPECT: handler-inherited count=3
// EXPECT: handler-dropped severity=warning state=hit subject~SIGUSR2 count=1
// EXPECT: handler-dropped severity=warning state=hit subject~SIGHUP count=1
// EXPECT: handler-dropped sites=[role=set,frames.module~PROGRAM] sites=[frames.module~resets_signals]
// EXPECT-NOT: handler-dropped subject~SIGUSR1
// EXPECT-LAST: handler-inherited hit subject~SIGUSR2
// EXPECT-LAST: handler-inherited open subject~SIGUSR1
#include "../../resets_signals.h"

static void start_worker_process(void) {
    reset(SIGUSR2);
    ignore(SIGHUP);
    // Nobody had a handler for it.
    reset(SIGTERM);
}

int main(void) {
    set_handler(SIGUSR2);
    set_handler(SIGHUP);
    set_handler(SIGUSR1);
    fork_working_child(start_worker_process);
    return 0;
}
