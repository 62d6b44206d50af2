// A signal's handler jumps out of dup and close, wherever it finds them (a classic timeout), and the program forks afterwards.
// REPORT: none (who jumps out of our own work is not recorded any more)
#include "../../check.h"
#include <setjmp.h>
#include <sys/time.h>

static sigjmp_buf timeout;

static void on_alarm(int number) {
    (void)number;
    siglongjmp(timeout, 1);
}

int main(void) {
    struct sigaction action = {.sa_handler = on_alarm};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    for (volatile int round = 0; round < 1000; round++) {
        if (sigsetjmp(timeout, 1))
            continue;
        struct itimerval once = {.it_value = {0, 100 + round % 37 * 3}};
        CHECK(setitimer(ITIMER_REAL, &once, NULL) == 0);
        for (;;)
            close(dup(0));
    }
    in_child((void (*)(void *))brief_pause, NULL);
    return 0;
}
