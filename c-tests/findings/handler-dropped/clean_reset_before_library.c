// The code that set the handler takes it away itself; then a library has a handler of its own for a while.
// PLUGIN: resets_signals
// EXPECT: handler-inherited subject~SIGUSR2 count=1
// EXPECT-NOT: handler-dropped
#include "../../resets_signals.h"

static void work(void) {
    CHECK(signal(SIGUSR2, SIG_DFL) == handle);
    take_over(SIGUSR2);
    reset(SIGUSR2);
}

int main(void) {
    set_handler(SIGUSR2);
    fork_working_child(work);
    return 0;
}
