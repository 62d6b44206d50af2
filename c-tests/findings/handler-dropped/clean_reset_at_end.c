// A child that resets its signals when it ends, long after it has waited for work.
// PLUGIN: resets_signals
// EXPECT: handler-inherited subject~SIGUSR2 count=1
// EXPECT-NOT: handler-dropped
#include "../../resets_signals.h"

static void wait_for_work_and_end(void) {
    poll(NULL, 0, 1);
    reset(SIGUSR2);
}

int main(void) {
    set_handler(SIGUSR2);
    fork_working_child(wait_for_work_and_end);
    return 0;
}
