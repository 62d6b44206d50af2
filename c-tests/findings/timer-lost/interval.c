// A timer that rang and will ring again.
// EXPECT: timer-lost severity=warning count=1
// EXPECT-EVENT: fork timers=[call=timer_create] count=1
#include "fixture.h"

int main(void) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec again = {.it_value = {.tv_nsec = 1000000}, .it_interval = {.tv_sec = 5000}};
    CHECK(signal(SIGRTMIN, ring) == SIG_DFL);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &again, NULL) == 0);
    EVENTUALLY(rang);
    fork_living_child();
    return 0;
}
