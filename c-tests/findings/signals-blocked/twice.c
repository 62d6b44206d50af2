// SIGTERM stays blocked in the child, all others were for the moment of the fork only: the call is named that blocked SIGTERM.
// EXPECT-LAST: signals-blocked open
// STDERR: signals-blocked (warning): SIGTERM blocked by the forking thread, blocked at twice.c:11 in block_for_good
#include "../../process.h"

static void block_for_good(void) __attribute__((noinline));
static void block_for_good(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

int main(void) {
    sigset_t all, before;
    block_for_good();
    sigfillset(&all);
    CHECK(sigprocmask(SIG_SETMASK, &all, &before) == 0);
    pid_t child = fork();
    CHECK(child >= 0 && sigprocmask(SIG_SETMASK, &before, NULL) == 0);
    if (child == 0)
        live();
    EXITED(child, 0);
    return 0;
}
