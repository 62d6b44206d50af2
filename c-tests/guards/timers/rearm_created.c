// ENV: FORKGUARD_TIMERS=rearm
// Periodic timers of timer_create run on in the child under their own timer_t; one that fires once and one whose signal would end the child do
// not.
// EXPECT: timer-lost count=4
// EXPECT-EVENT: child cures=[guard=timers,subject~timer_create]
// EXPECT-LAST: timer-lost resolved because~forkguard count=2
// LIBS: -lrt
#include "../../process.h"

static volatile sig_atomic_t rang;
static atomic_int started;
static timer_t unused, by_signal, by_thread, once, ending;

static void note(int signal) {
    (void)signal;
    rang++;
}

static void note_in_thread(union sigval value) { started += value.sival_int; }

static timer_t make(struct sigevent event, time_t seconds, long interval) {
    timer_t timer;
    struct itimerspec value = {.it_value = {seconds, seconds ? 0 : interval}, .it_interval = {0, interval}};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &value, NULL) == 0);
    return timer;
}

static bool exists(timer_t timer) {
    struct itimerspec value;
    return timer_gettime(timer, &value) == 0 && value.it_interval.tv_nsec != 0;
}

static void look(void) {
    rang = started = 0;
    EVENTUALLY(rang > 2 && started > 2);
    CHECK(exists(by_signal) && exists(by_thread));
    CHECK(!exists(ending));
    CHECK(timer_delete(by_signal) == 0 && timer_delete(by_thread) == 0);
}

int main(void) {
    CHECK(signal(SIGRTMIN, note) != SIG_ERR);
    // Numbers that are free again stay unused: the kernel counts on.
    CHECK(timer_create(CLOCK_MONOTONIC, NULL, &unused) == 0 && timer_delete(unused) == 0);
    by_signal = make((struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN}, 0, 5000000);
    struct sigevent in_thread = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = note_in_thread};
    in_thread.sigev_value.sival_int = 1;
    by_thread = make(in_thread, 0, 5000000);
    once = make((struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN}, 5000, 0);
    ending = make((struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1}, 5000, 5000000);
    fork_working_child(look);
    return 0;
}
