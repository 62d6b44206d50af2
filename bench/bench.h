// What the benchmark programs share: a clock, one processor, and the figure that each prints.
#ifndef BENCH_H
#define BENCH_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline void must(int good, const char *what) {
    if (!good) {
        fprintf(stderr, errno ? "%s: %s\n" : "%s\n", what, strerror(errno));
        exit(1);
    }
}

static inline double nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

// Moving between processors costs more than what is measured here.
static inline void pin(void) {
    cpu_set_t allowed, one;
    must(!sched_getaffinity(0, sizeof allowed, &allowed), "sched_getaffinity");
    int last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &allowed))
        last--;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    must(!sched_setaffinity(0, sizeof one, &one), "sched_setaffinity");
}

static inline void *sleeper(void *unused) {
    while (pause())
        continue;
    return unused;
}

static inline void start_sleepers(int count) {
    pthread_t thread;
    while (count-- > 0)
        must(!pthread_create(&thread, NULL, sleeper, NULL), "pthread_create");
}

// A number from the command line, or what the program takes without it.
static inline long argument(int argc, char **argv, int index, long otherwise) {
    return index < argc ? strtol(argv[index], NULL, 10) : otherwise;
}

// For tight loops: whatever disturbs a round only adds to it, so the fastest round is the truth.
static inline double fastest(void (*loop)(long), long count, long rounds) {
    double best = 0;
    for (long round = 0; round < rounds; round++) {
        double start = nanoseconds(CLOCK_MONOTONIC);
        loop(count);
        double each = (nanoseconds(CLOCK_MONOTONIC) - start) / (double)count;
        if (round == 0 || each < best)
            best = each;
    }
    return best;
}

static inline int ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

// For work in which the kernel's own variation belongs to the figure.
static inline double median(double *values, long count) {
    qsort(values, (size_t)count, sizeof *values, ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static inline void print_figure(double figure) {
    printf("%.3f\n", figure);
    fflush(stdout);
}
#endif
