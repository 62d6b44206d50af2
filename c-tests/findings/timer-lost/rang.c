// An alarm that rang before the fork is armed no more.
// EXPECT-NOT: timer-lost
#include "fixture.h"
#include <sys/time.h>

int main(void) {
    struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    CHECK(signal(SIGALRM, ring) == SIG_DFL && setitimer(ITIMER_REAL, &soon, NULL) == 0);
    EVENTUALLY(rang);
    fork_living_child();
    return 0;
}
