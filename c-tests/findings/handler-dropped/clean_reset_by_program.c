// The code that set the handler takes it away itself.
// EXPECT: handler-inherited subject~SIGUSR2 count=1
// EXPECT-NOT: handler-dropped
#include "../../process.h"

static void handle(int signal_number) {
    (void)signal_number;
}

static void reset(void) {
    CHECK(signal(SIGUSR2, SIG_DFL) == handle);
}

int main(void) {
    CHECK(signal(SIGUSR2, handle) == SIG_DFL);
    fork_working_child(reset);
    return 0;
}
