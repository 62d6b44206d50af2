// A caught signal whose handler the application set; an ignored and a reset one are none.
// EXPECT: handler-inherited severity=info state=open subject~SIGUSR2 count=1
// EXPECT-NOT: handler-inherited subject~SIGHUP
// EXPECT-NOT: handler-inherited subject~SIGUSR1
// EXPECT-EVENT: fork signals=[signal=SIGUSR2,disposition=handler,handler.module~PROGRAM]
// EXPECT-EVENT: fork signals=[signal=SIGHUP,disposition=ignore]
#include "../../process.h"

static void handle(int signal_number) {
    (void)signal_number;
}

int main(void) {
    CHECK(signal(SIGUSR2, handle) == SIG_DFL);
    CHECK(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    CHECK(signal(SIGUSR1, handle) == SIG_DFL && signal(SIGUSR1, SIG_DFL) == handle);
    fork_living_child();
    return 0;
}
