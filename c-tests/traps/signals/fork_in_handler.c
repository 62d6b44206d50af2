// A signal handler forks while main is inside malloc, with its lock held; the child and the parent go on.
// WITHOUT: jemalloc (its own atfork handler waits for the lock that the interrupted malloc holds)
#include "../../check.h"
#include <stdatomic.h>
#include <sys/time.h>

enum { FORKS = 200 };
static atomic_int forks;

static void fork_now(int signal_number) {
    (void)signal_number;
    int error = errno;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(11);
    EXITED(child, 11);
    forks++;
    errno = error;
}

int main(void) {
    struct sigaction action = {.sa_handler = fork_now, .sa_flags = SA_RESTART};
    struct itimerval often = {{.tv_usec = 500}, {.tv_usec = 500}}, none = {0};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    void *blocks[64] = {0};
    for (unsigned round = 0; forks < FORKS; round++) {
        void **block = &blocks[round % 64];
        free(*block);
        CHECK((*block = malloc(1 + round * 7919 % 100000)) != NULL);
    }
    CHECK(setitimer(ITIMER_REAL, &none, NULL) == 0);
    puts("forked in the handler");
    return 0;
}
