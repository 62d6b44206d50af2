// The program's handler survives what the worker's own code does to it: resets, again and again, of a grandchild's, too. A handler of that
// code's own stays, and so does what the program itself takes away.
// PLUGIN: resets_signals
// ENV: FORKGUARD_SIGNALS_KEEP=USR2,HUP,TERM,QUIT
// EXPECT-NOT: handler-dropped subject~SIGUSR2
// EXPECT-NOT: handler-dropped subject~SIGHUP
// EXPECT-NOT: handler-dropped subject~SIGTERM
// EXPECT: handler-dropped subject~SIGUSR1 count=1
// EXPECT-LAST: handler-inherited resolved subject~SIGUSR2 because~forkguard count=2
// EXPECT-LAST: handler-inherited resolved subject~SIGHUP because~forkguard count=1
// EXPECT-LAST: handler-inherited resolved subject~SIGTERM because~'of its own' count=1
// EXPECT-EVENT: child cures=[guard=signals-keep,subject=SIGUSR2] count=2
#include "../../resets_signals.h"

static struct sigaction now(int signal_number) {
    struct sigaction action;
    CHECK(sigaction(signal_number, NULL, &action) == 0);
    return action;
}

static void is_whole(int signal_number) {
    struct sigaction action = now(signal_number);
    CHECK(action.sa_handler == handle && action.sa_flags & SA_RESTART && sigismember(&action.sa_mask, SIGALRM));
    CHECK(raise(signal_number) == 0);
}

static void grandchild(void) {
    reset(SIGUSR2);
    is_whole(SIGUSR2);
}

static void start_worker_process(void) {
    for (int round = 0; round < 3; round++) {
        reset(SIGUSR2);
        is_whole(SIGUSR2);
    }
    KEEPS_ERRNO((ignore(SIGHUP), true));
    is_whole(SIGHUP);
    take_over(SIGTERM);
    CHECK(now(SIGTERM).sa_handler != handle && now(SIGTERM).sa_handler != SIG_DFL);
    CHECK(signal(SIGQUIT, SIG_DFL) == handle);
    CHECK(now(SIGQUIT).sa_handler == SIG_DFL);
    reset(SIGQUIT);
    CHECK(now(SIGQUIT).sa_handler == SIG_DFL);
    reset(SIGUSR1);
    CHECK(now(SIGUSR1).sa_handler == SIG_DFL);
    fork_working_child(grandchild);
}

int main(void) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    CHECK(sigemptyset(&action.sa_mask) == 0 && sigaddset(&action.sa_mask, SIGALRM) == 0);
    for (const int *number = (int[]){SIGUSR2, SIGHUP, SIGTERM, SIGQUIT, SIGUSR1, 0}; *number; number++)
        CHECK(sigaction(*number, &action, NULL) == 0);
    // In the leader nobody's setting is undone.
    reset(SIGUSR2);
    CHECK(now(SIGUSR2).sa_handler == SIG_DFL);
    CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
    fork_working_child(start_worker_process);
    return 0;
}
