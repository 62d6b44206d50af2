// An armed timer of timer_create.
// EXPECT: timer-lost severity=warning state=open count=1
// EXPECT-EVENT: fork timers=[call=timer_create]
#include "../../process.h"
#include <sys/time.h>

int main(void) {
    timer_t timer;
    struct itimerspec armed = {.it_value = {.tv_sec = 5000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &armed, NULL) == 0);
    fork_living_child();
    return 0;
}
