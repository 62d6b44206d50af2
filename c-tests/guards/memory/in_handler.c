// ENV: FORKGUARD_MEMORY=trim,freeze
// A fork in a signal handler may have interrupted malloc: nothing is given back.
// EXPECT-EVENT: child cures_unlisted=0
#include "../../process.h"
#include <signal.h>

static void nothing(void) {}

static void handle(int signal) {
    (void)signal;
    fork_working_child(nothing);
}

int main(void) {
    CHECK(signal(SIGUSR1, handle) != SIG_ERR && raise(SIGUSR1) == 0);
    return 0;
}
