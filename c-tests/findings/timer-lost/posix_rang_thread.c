// A timer that starts a thread once and has done so is armed no more; the kernel's number of it stands in an object of glibc's.
// EXPECT-NOT: timer-lost
// EXPECT-NO-EVENT: fork timers.call~timer_create
// LIBS: -lrt
#include "../../process.h"

static atomic_bool started;

static void start(union sigval value) {
    (void)value;
    started = true;
}

int main(void) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = start};
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0);
    EVENTUALLY(started);
    fork_living_child();
    return 0;
}
