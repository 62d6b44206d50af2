// ENV: FORKGUARD_TIMERS=rearm
// A profiling timer runs on in the child; one that fires once, and one whose signal would end the child, do not.
// EXPECT: timer-lost count=3
// EXPECT-EVENT: child cures=[guard=timers,subject~prof]
// EXPECT-LAST: timer-lost resolved because~forkguard count=1
#include "../../process.h"
#include <sys/time.h>

static void ignore_it(int signal) { (void)signal; }

static bool is_armed(int which) {
    struct itimerval now;
    CHECK(getitimer(which, &now) == 0);
    return now.it_value.tv_sec != 0;
}

static void look(void) {
    struct itimerval now;
    CHECK(getitimer(ITIMER_PROF, &now) == 0);
    CHECK(now.it_interval.tv_sec == 700 && now.it_value.tv_sec > 0 && now.it_value.tv_sec <= 5000);
    CHECK(!is_armed(ITIMER_REAL) && !is_armed(ITIMER_VIRTUAL));
}

int main(void) {
    CHECK(signal(SIGPROF, ignore_it) != SIG_ERR && signal(SIGALRM, ignore_it) != SIG_ERR);
    struct itimerval periodic = {.it_value = {.tv_sec = 5000}, .it_interval = {.tv_sec = 700}};
    CHECK(setitimer(ITIMER_PROF, &periodic, NULL) == 0 && setitimer(ITIMER_VIRTUAL, &periodic, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_sec = 5000}}, NULL) == 0);
    fork_working_child(look);
    return 0;
}
