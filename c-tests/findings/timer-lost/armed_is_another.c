// The child arms a timer, but on another clock than the one it has lost.
// EXPECT: timer-lost severity=warning state=open count=1
// EXPECT-LAST: timer-lost open count=1
#include "../../process.h"
#include <sys/time.h>

static void arm_another(void) {
    CHECK(setitimer(ITIMER_VIRTUAL, &(struct itimerval){.it_value = {.tv_sec = 5000}}, NULL) == 0);
}

int main(void) {
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_sec = 5000}}, NULL) == 0);
    fork_working_child(arm_another);
    return 0;
}
