// Before glibc 2.34 a timer_t is the address of an object; in a program at a fixed place that is as small as a number of the kernel's may be.
// FLAGS: -no-pie
// EXPECT: timer-lost severity=warning state=open count=1
// EXPECT: timer-lost subject~SIGUSR2 count=1
// LIBS: -lrt
#include "../../process.h"

static timer_t make_timer(int signal_number) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal_number};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    return timer;
}

int main(void) {
    struct itimerspec armed = {.it_value = {.tv_sec = 5000}};
    make_timer(SIGUSR1);
    CHECK(timer_settime(make_timer(SIGUSR2), 0, &armed, NULL) == 0);
    fork_living_child();
    return 0;
}
