// A timer that rings once and has done so is armed no more.
// EXPECT-NOT: timer-lost
// EXPECT-NO-EVENT: fork timers.call~timer_create
#include "fixture.h"

int main(void) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    CHECK(signal(SIGRTMIN, ring) == SIG_DFL);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0);
    EVENTUALLY(rang);
    fork_living_child();
    return 0;
}
