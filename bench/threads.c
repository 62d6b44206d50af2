// threads create|storm ROUNDS: nanoseconds to create and join a thread, one after the other or 64 at once.
#include "bench.h"

enum { AT_ONCE = 64 };

static void *nothing(void *unused) { return unused; }

static void batch(int at_once) {
    pthread_t threads[AT_ONCE];
    for (int done = 0; done < AT_ONCE; done += at_once) {
        for (int i = 0; i < at_once; i++)
            must(!pthread_create(&threads[i], NULL, nothing, NULL), "pthread_create");
        for (int i = 0; i < at_once; i++)
            pthread_join(threads[i], NULL);
    }
}

int main(int argc, char **argv) {
    int storm = argc > 1 && strcmp(argv[1], "storm") == 0;
    if (!storm)
        pin();
    long rounds = argument(argc, argv, 2, 40);
    double *each = calloc((size_t)rounds, sizeof *each);
    must(each != NULL, "calloc");
    batch(storm ? AT_ONCE : 1);
    for (long round = 0; round < rounds; round++) {
        double start = nanoseconds(CLOCK_MONOTONIC);
        batch(storm ? AT_ONCE : 1);
        each[round] = (nanoseconds(CLOCK_MONOTONIC) - start) / AT_ONCE;
    }
    print_figure(median(each, rounds));
    return 0;
}
