// Who observes puts nothing back.
// PLUGIN: resets_signals
// ENV: FORKGUARD=observe
// ENV: FORKGUARD_SIGNALS_KEEP=USR2
// EXPECT: handler-dropped subject~SIGUSR2 count=1
// EXPECT-NO-EVENT: child cures=[guard=signals-keep]
#include "../../resets_signals.h"

static void start_worker_process(void) {
    struct sigaction now;
    reset(SIGUSR2);
    CHECK(sigaction(SIGUSR2, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
}

int main(void) {
    set_handler(SIGUSR2);
    fork_working_child(start_worker_process);
    return 0;
}
