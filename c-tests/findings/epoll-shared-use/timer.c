// A child that arms its leader's timer anew, or disarms it, does so for the leader, too: the descriptor is the same open file.
// EXPECT: epoll-inherited severity=info subject~'timer of timerfd_create' count=2
// EXPECT: epoll-shared-use severity=error state=hit subject~'timer of timerfd_create' sites=[role=opened,frames.module~PROGRAM] sites=[role=used,frames.module~PROGRAM] count=2
#include "timers.h"

int main(void) {
    const struct itimerspec times[] = {{.it_value = {.tv_sec = 7000}}, {.it_value = {0}}};
    for (int index = 0; index < 2; index++) {
        int timer = armed_timer();
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            CHECK(timerfd_settime(timer, 0, &times[index], NULL) == 0);
            _exit(0);
        }
        EXITED(child, 0);
        struct itimerspec left;
        CHECK(timerfd_gettime(timer, &left) == 0 && (left.it_value.tv_sec > 5000 || left.it_value.tv_sec == 0));
        CHECK(close(timer) == 0);
    }
    return 0;
}
