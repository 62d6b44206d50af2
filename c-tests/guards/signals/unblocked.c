// ENV: FORKGUARD_SIGNALS_MASK=unblock
// The leader's thread takes SIGTERM by sigwait, everybody else blocks it: SIGTERM ends a child without that thread, once it waits for work. One that
// has a thread of its own for it, and one that takes it itself, keep their mask.
// EXPECT-EVENT: child cures=[guard=signals-mask,subject~SIGTERM]
// EXPECT: signals-blocked count=3
// EXPECT-LAST: signals-blocked resolved because~forkguard count=1
#include "../../process.h"

static sigset_t steering;

static void *take_signals(void *unused) {
    int signal;
    worker_tid = gettid();
    CHECK(sigwait(&steering, &signal) == 0 && signal == SIGTERM);
    _exit(signal == SIGTERM ? 7 : 8);
    return unused;
}

// How a child ends that SIGTERM is sent to when it waits.
static int ended_by_term(void (*body)(void), long waits_in) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        _exit(9);
    }
    until_blocked_in(waits_in, child);
    int status;
    CHECK(kill(child, SIGTERM) == 0 && waitpid(child, &status, 0) == child);
    return status;
}

static void wait_for_work(void) {
    for (;;)
        pause();
}

static void take_signals_itself(void) { take_signals(NULL); }

static void start_thread_that_takes_them(void) {
    worker_tid = 0;
    start_worker_blocked_in(SYS_rt_sigtimedwait, take_signals);
    wait_for_work();
}

int main(void) {
    CHECK(sigemptyset(&steering) == 0 && sigaddset(&steering, SIGTERM) == 0 && sigaddset(&steering, SIGINT) == 0);
    CHECK(pthread_sigmask(SIG_BLOCK, &steering, NULL) == 0);
    start_worker_blocked_in(SYS_rt_sigtimedwait, take_signals);
    int status = ended_by_term(wait_for_work, SYS_pause);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    status = ended_by_term(take_signals_itself, SYS_rt_sigtimedwait);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    status = ended_by_term(start_thread_that_takes_them, SYS_pause);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    return 0;
}
