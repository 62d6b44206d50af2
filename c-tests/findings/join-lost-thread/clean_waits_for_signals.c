// Children with lost threads that wait for a signal: any process may send one.
// EXPECT: thread-lost count=4
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-EVENT: child count=4
#include "../../process.h"

static sigset_t usr1;

static void by_pause(void) {
    pause();
}

static void by_sigwait(void) {
    int number;
    CHECK(sigwait(&usr1, &number) == 0 && number == SIGUSR1);
}

static void by_sigsuspend(void) {
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
}

static void by_sigwaitinfo(void) {
    CHECK(sigwaitinfo(&usr1, NULL) == SIGUSR1);
}

static void wait_in(void (*wait)(void), long number, int signal_number) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        wait();
        _exit(0);
    }
    until_blocked_in(number, child);
    CHECK(kill(child, signal_number) == 0);
    int status = status_of(child);
    CHECK(signal_number == SIGUSR1 ? status == 0 : WTERMSIG(status) == signal_number);
}

int main(void) {
    start_worker(stay_idle);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, &usr1, NULL) == 0);
    wait_in(by_sigwait, SYS_rt_sigtimedwait, SIGUSR1);
    wait_in(by_sigwaitinfo, SYS_rt_sigtimedwait, SIGUSR1);
    wait_in(by_pause, SYS_pause, SIGTERM);
    wait_in(by_sigsuspend, SYS_rt_sigsuspend, SIGTERM);
    return 0;
}
