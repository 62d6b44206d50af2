// An armed timer of processor time, as profilers use it.
// EXPECT: timer-lost severity=warning state=open count=1
// EXPECT-EVENT: fork timers=[call=setitimer]
#include "../../process.h"
#include <sys/time.h>

int main(void) {
    struct itimerval armed = {.it_value = {.tv_sec = 5000}};
    CHECK(setitimer(ITIMER_PROF, &armed, NULL) == 0);
    fork_living_child();
    return 0;
}
