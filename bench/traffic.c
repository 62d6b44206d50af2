// traffic THREADS FORKS: nanoseconds of fork, _exit in the child, and wait, while threads take and release locks.
#include "bench.h"
#include <sys/wait.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void spend(double time) {
    double end = nanoseconds(CLOCK_MONOTONIC) + time;
    while (nanoseconds(CLOCK_MONOTONIC) < end)
        continue;
}

static void *lock_often(void *unused) {
    for (;;) {
        pthread_mutex_lock(&mutex);
        spend(20e3);
        pthread_mutex_unlock(&mutex);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return unused;
}

int main(int argc, char **argv) {
    long threads = argument(argc, argv, 1, 4), forks = argument(argc, argv, 2, 100);
    pthread_t thread;
    while (threads-- > 0)
        must(!pthread_create(&thread, NULL, lock_often, NULL), "pthread_create");
    double *each = calloc((size_t)forks, sizeof *each);
    must(each != NULL, "calloc");
    for (long i = 0; i < forks; i++) {
        double start = nanoseconds(CLOCK_MONOTONIC);
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        must(child > 0 && waitpid(child, NULL, 0) == child, "fork");
        each[i] = nanoseconds(CLOCK_MONOTONIC) - start;
    }
    print_figure(median(each, forks));
    return 0;
}
