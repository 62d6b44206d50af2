// A signal whose handler is to be kept is not reset, whatever is listed.
// ENV: FORKGUARD_SIGNALS=USR1,USR2
// ENV: FORKGUARD_SIGNALS_KEEP=USR2
// EXPECT-LAST: handler-inherited resolved subject~SIGUSR1
// EXPECT-LAST: handler-inherited open subject~SIGUSR2
#include "fixture.h"

static void check(void) {
    CHECK(is_default(SIGUSR1) && is_caught(SIGUSR2));
}

int main(void) {
    set_handler(SIGUSR1);
    set_handler(SIGUSR2);
    fork_working_child(check);
    return 0;
}
