// A handler calls _Fork in a program with threads that are inside malloc and locks: async-signal-safe, so it must never block.
#include "../../check.h"
#include <stdatomic.h>

enum { FORKS = 200 };
static atomic_bool stop;
static atomic_int forks;

static void *churn(void *unused) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    while (!stop) {
        CHECK(pthread_mutex_lock(&mutex) == 0);
        free(malloc(1000));
        CHECK(pthread_mutex_unlock(&mutex) == 0);
    }
    return unused;
}

static void fork_now(int signal_number) {
    (void)signal_number;
    int error = errno;
    pid_t child = _Fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(12);
    EXITED(child, 12);
    forks++;
    errno = error;
}

int main(void) {
    pthread_t thread;
    struct sigaction action = {.sa_handler = fork_now, .sa_flags = SA_RESTART};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, churn, NULL) == 0);
    for (int round = 1; round <= FORKS; round++) {
        CHECK(pthread_kill(thread, SIGUSR1) == 0);
        EVENTUALLY(forks == round);
    }
    stop = true;
    CHECK(pthread_join(thread, NULL) == 0);
    puts("forked in the handler");
    return 0;
}
