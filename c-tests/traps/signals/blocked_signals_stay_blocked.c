// Every signal is blocked, one that instructions raise is pending: it stays so through a fork, to be taken by sigwait.
#include "../../check.h"

int main(void) {
    sigset_t all, trap;
    sigfillset(&all);
    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    CHECK(sigprocmask(SIG_BLOCK, &all, NULL) == 0);
    kill(getpid(), SIGTRAP);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    int number = 0;
    CHECK(sigwait(&trap, &number) == 0);
    CHECK(number == SIGTRAP);
    return 0;
}
