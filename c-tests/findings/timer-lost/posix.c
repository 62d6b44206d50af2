// An armed timer of timer_create.
// EXPECT: timer-lost severity=warning state=open count=1
// EXPECT: timer-lost sites=[role=armed,frames.function=main] sites=[role=created,frames.function=make_timer]
// EXPECT-EVENT: fork timers=[call=timer_create]
#include "../../process.h"
#include <sys/time.h>

__attribute__((noinline)) timer_t make_timer(void) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    return timer;
}

int main(void) {
    struct itimerspec armed = {.it_value = {.tv_sec = 5000}};
    timer_t timer = make_timer();
    CHECK(timer_settime(timer, 0, &armed, NULL) == 0);
    fork_living_child();
    return 0;
}
