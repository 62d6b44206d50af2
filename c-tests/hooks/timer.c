// timer_create, timer_settime, timer_delete, setitimer, alarm: old values, what a child does not have.
#include "driver.h"
#include <sys/time.h>
#include <sys/timerfd.h>

static const struct itimerval none = {0}, long_time = {.it_value = {.tv_sec = 5000}};

SAFE_SNIPPET(alarms) {
    KEEPS_ERRNO(alarm(1000) == 0);
    unsigned left = alarm(2000);
    CHECK(left > 990 && left <= 1000);
    left = alarm(0);
    CHECK(left > 1990 && left <= 2000);
    CHECK(alarm(0) == 0);
}

SAFE_SNIPPET(interval_timers) {
    const __itimer_which_t which[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    struct itimerval old;
    for (int index = 0; index < 3; index++) {
        KEEPS_ERRNO(setitimer(which[index], &long_time, NULL) == 0);
        CHECK(setitimer(which[index], &none, &old) == 0);
        CHECK(old.it_value.tv_sec > 4990 && old.it_value.tv_sec <= 5000);
        CHECK(setitimer(which[index], &none, &old) == 0);
        CHECK(old.it_value.tv_sec == 0);
    }
    FAILS(EINVAL, setitimer((__itimer_which_t)9, &long_time, NULL));
    struct itimerval bad = {.it_value = {.tv_usec = 1000000}};
    FAILS(EINVAL, setitimer(ITIMER_REAL, &bad, NULL));
}

SAFE_SNIPPET(timer_descriptors) {
    const struct itimerspec time = {.it_value = {.tv_sec = 5000}}, bad = {.it_value = {.tv_nsec = -1}}, off = {0};
    struct itimerspec old;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    KEEPS_ERRNO(timerfd_settime(timer, 0, &time, NULL) == 0);
    CHECK(timerfd_settime(timer, 0, &off, &old) == 0 && old.it_value.tv_sec > 4990 && old.it_value.tv_sec <= 5000);
    FAILS(EINVAL, timerfd_settime(timer, 0, &bad, NULL));
    CHECK(close(timer) == 0);
    FAILS(EBADF, timerfd_settime(timer, 0, &time, NULL));
}

SAFE_SNIPPET(interval_timer_with_null) {
    // glibc passes NULL on: the kernel disarms.
    CHECK(setitimer(ITIMER_VIRTUAL, &long_time, NULL) == 0);
    CHECK(setitimer(ITIMER_VIRTUAL, NULL, NULL) == 0);
}

static atomic_int rang;

static void ring(int signal_number) {
    (void)signal_number;
    rang++;
}

SNIPPET(rings) {
    struct sigaction action = {.sa_handler = ring}, old;
    struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    CHECK(sigaction(SIGALRM, &action, &old) == 0);
    rang = 0;
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    EVENTUALLY(rang == 1);
    CHECK(sigaction(SIGALRM, &old, NULL) == 0);
}

SNIPPET(posix_timers) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec armed = {.it_value = {.tv_sec = 5000}}, old, bad = {.it_value = {.tv_nsec = -1}};
    KEEPS_ERRNO(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    KEEPS_ERRNO(timer_settime(timer, 0, &armed, &old) == 0);
    CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
    FAILS(EINVAL, timer_settime(timer, 0, &bad, NULL));
    CHECK(timer_gettime(timer, &old) == 0 && old.it_value.tv_sec > 4990);
    CHECK(timer_getoverrun(timer) == 0);
    KEEPS_ERRNO(timer_delete(timer) == 0);
    FAILS(EINVAL, timer_create(12345, &event, &timer));
}

static void ring_in_thread(union sigval value) {
    atomic_fetch_add((atomic_int *)value.sival_ptr, 1);
}

SNIPPET(posix_timer_with_a_thread) {
    timer_t timer;
    static atomic_int rings;
    rings = 0;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = ring_in_thread, .sigev_value.sival_ptr = &rings};
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
    EVENTUALLY(rings == 1);
    CHECK(timer_delete(timer) == 0);
}

static void child_has_none(void *timer) {
    struct itimerspec seen;
    struct itimerval real;
    FAILS(EINVAL, syscall(SYS_timer_gettime, *(int *)timer, &seen));
    CHECK(getitimer(ITIMER_REAL, &real) == 0 && real.it_value.tv_sec == 0);
    CHECK(alarm(0) == 0);
}

SNIPPET(not_inherited) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    struct itimerspec armed = {.it_value = {.tv_sec = 5000}};
    CHECK(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &armed, NULL) == 0);
    CHECK(alarm(5000) == 0);
    in_child(child_has_none, &timer);
    CHECK(alarm(0) > 4990);
    CHECK(timer_delete(timer) == 0);
}
