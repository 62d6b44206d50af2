// The child arms the timer again that it has lost.
// EXPECT: timer-lost severity=warning state=open count=1
// EXPECT-LAST: timer-lost resolved count=1
#include "../../process.h"
#include <sys/time.h>

static void arm(void) {
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_sec = 5000}}, NULL) == 0);
}

int main(void) {
    arm();
    fork_working_child(arm);
    return 0;
}
