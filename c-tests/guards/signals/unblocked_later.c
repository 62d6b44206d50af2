// ENV: FORKGUARD_SIGNALS_MASK=unblock
// The leader's thread that takes SIGTERM by sigwait has not got there when a child is forked, but has by the child's first wait for work: SIGTERM
// ends that child, too.
// EXPECT-EVENT: child cures=[guard=signals-mask,subject~SIGTERM]
// EXPECT-LAST: signals-blocked resolved because~forkguard count=1
#include "../../process.h"

static sigset_t steering;
static int begin[2];

static void *take_signals(void *unused) {
    char byte;
    int signal;
    worker_tid = gettid();
    CHECK(read(begin[0], &byte, 1) == 1);
    CHECK(sigwait(&steering, &signal) == 0);
    return unused;
}

int main(void) {
    CHECK(sigemptyset(&steering) == 0 && sigaddset(&steering, SIGTERM) == 0 && pthread_sigmask(SIG_BLOCK, &steering, NULL) == 0);
    CHECK(pipe(begin) == 0);
    pthread_t thread = start_worker_blocked_in(SYS_read, take_signals);
    pid_t taker = worker_tid;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        until_blocked_in(SYS_rt_sigtimedwait, taker);
        for (;;)
            pause();
    }
    CHECK(write(begin[1], "", 1) == 1);
    until_blocked_in(SYS_pause, child);
    int status;
    CHECK(kill(child, SIGTERM) == 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK(kill(getpid(), SIGTERM) == 0 && pthread_join(thread, NULL) == 0);
    return 0;
}
