// A timer that the leader made and never armed is the child's to arm; one that the leader armed is not used by asking when it rings, nor by a child that
// closes it and makes its own.
// EXPECT-NOT: epoll-shared-use
#include "timers.h"

int main(void) {
    const struct itimerspec time = {.it_value = {.tv_sec = 7000}}, none = {0};
    int for_child = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), own = armed_timer();
    CHECK(for_child >= 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct itimerspec left;
        CHECK(timerfd_settime(for_child, 0, &time, NULL) == 0 && timerfd_settime(for_child, 0, &none, NULL) == 0);
        CHECK(timerfd_gettime(own, &left) == 0 && close(own) == 0);
        int made = armed_timer();
        CHECK(timerfd_settime(made, 0, &time, NULL) == 0);
        _exit(0);
    }
    EXITED(child, 0);
    return 0;
}
