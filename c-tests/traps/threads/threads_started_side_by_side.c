// Threads that start threads at the same time: each new one runs its own routine with its own argument, once.
// REPORT: none (it makes no process)
#include "../../check.h"
#include <sched.h>
#include <stdatomic.h>

enum { MAKERS = 3, ROUNDS = 500, EACH = 4 };
static atomic_int arrived;

// All makers go on at the same moment: nobody sleeps before it.
static void meet(int round) {
    arrived++;
    while (arrived < MAKERS * (round + 1))
        sched_yield();
}

static void *count(void *runs) {
    atomic_fetch_add((atomic_int *)runs, 1);
    return runs;
}

static void *make(void *unused) {
    for (int round = 0; round < ROUNDS; round++) {
        atomic_int runs[EACH] = {0};
        pthread_t threads[EACH];
        void *result;
        meet(round);
        for (int index = 0; index < EACH; index++)
            CHECK(pthread_create(&threads[index], NULL, count, &runs[index]) == 0);
        for (int index = 0; index < EACH; index++)
            CHECK(pthread_join(threads[index], &result) == 0 && result == &runs[index]);
        for (int index = 0; index < EACH; index++)
            CHECK(runs[index] == 1);
    }
    return unused;
}

int main(void) {
    pthread_t makers[MAKERS];
    for (int index = 0; index < MAKERS; index++)
        CHECK(pthread_create(&makers[index], NULL, make, NULL) == 0);
    for (int index = 0; index < MAKERS; index++)
        CHECK(pthread_join(makers[index], NULL) == 0);
    puts("each ran once");
    return 0;
}
