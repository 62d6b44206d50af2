// pools fork|region THREADS FORKS: nanoseconds of fork, _exit in the child and wait, or of the leader's next OpenMP region after it, where the
// leader has a pool of THREADS.
#include "bench.h"
#include <sys/wait.h>

static void region(int threads) {
    int ran = 0;
#pragma omp parallel num_threads(threads) reduction(+ : ran)
    ran += 1;
    must(ran == threads, "a region");
}

int main(int argc, char **argv) {
    int threads = (int)argument(argc, argv, 2, 4), in_region = argc > 1 && !strcmp(argv[1], "region");
    long forks = argument(argc, argv, 3, 100);
    double *each = calloc((size_t)forks, sizeof *each);
    must(each != NULL, "calloc");
    for (long i = 0; i < forks; i++) {
        region(threads);
        double start = nanoseconds(CLOCK_MONOTONIC);
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        must(child > 0 && waitpid(child, NULL, 0) == child, "fork");
        double forked = nanoseconds(CLOCK_MONOTONIC);
        region(threads);
        each[i] = in_region ? nanoseconds(CLOCK_MONOTONIC) - forked : forked - start;
    }
    print_figure(median(each, forks));
    return 0;
}
