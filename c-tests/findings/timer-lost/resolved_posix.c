// The child arms the timer again that it has lost.
// EXPECT: timer-lost severity=warning state=open count=1
// EXPECT-LAST: timer-lost resolved count=1
#include "../../process.h"
#include <sys/time.h>

static timer_t timer;

static void arm(void) {
    struct itimerspec armed = {.it_value = {.tv_sec = 5000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &armed, NULL) == 0);
}

int main(void) {
    arm();
    fork_working_child(arm);
    return 0;
}
