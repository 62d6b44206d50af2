// A child's timer has the number that one of its leader's had: it is the child's own.
// EXPECT: timer-lost subject~SIGUSR2 count=1
// EXPECT: timer-lost subject~SIGUSR1 count=1
#include "../../process.h"

static void arm_one(int signal) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    struct itimerspec later = {.it_value.tv_sec = 1000};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &later, NULL) == 0);
}

static void arm_and_fork(void *unused) {
    (void)unused;
    arm_one(SIGUSR2);
    fork_living_child();
}

int main(void) {
    arm_one(SIGUSR1);
    in_child(arm_and_fork, NULL);
    return 0;
}
