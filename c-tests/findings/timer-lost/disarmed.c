// Timers of every kind that were disarmed, deleted or never armed.
// EXPECT-NOT: timer-lost
// EXPECT-NO-EVENT: fork timers.call~e
#include "../../process.h"
#include <sys/time.h>

int main(void) {
    timer_t deleted, disarmed, unarmed;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec armed = {.it_value = {.tv_sec = 5000}}, off = {0};
    struct itimerval armed_interval = {.it_value = {.tv_sec = 5000}}, off_interval = {0};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &deleted) == 0 && timer_settime(deleted, 0, &armed, NULL) == 0);
    CHECK(timer_delete(deleted) == 0);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &disarmed) == 0 && timer_settime(disarmed, 0, &armed, NULL) == 0);
    CHECK(timer_settime(disarmed, 0, &off, NULL) == 0);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &unarmed) == 0);
    CHECK(setitimer(ITIMER_REAL, &armed_interval, NULL) == 0 && setitimer(ITIMER_REAL, &off_interval, NULL) == 0);
    CHECK(alarm(5000) == 0 && alarm(0) > 0);
    fork_living_child();
    return 0;
}
