// memory LOCKS: private resident kilobytes of a process that has a second thread and has used that many locks.
#include "bench.h"

enum { MOST = 10000 };
static pthread_mutex_t locks[MOST];

int main(int argc, char **argv) {
    long count = argument(argc, argv, 1, 0);
    must(count <= MOST, "at most 10000 locks");
    start_sleepers(1);
    // The locks' own pages belong to the program, used or not.
    memset(locks, 0, sizeof locks);
    for (long i = 0; i < count; i++) {
        pthread_mutex_init(&locks[i], NULL);
        pthread_mutex_lock(&locks[i]);
        pthread_mutex_unlock(&locks[i]);
    }
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
    must(rollup != NULL, "smaps_rollup");
    char line[256];
    long kilobytes = 0, field;
    while (fgets(line, sizeof line, rollup))
        if (sscanf(line, "Private_Clean: %ld", &field) == 1 || sscanf(line, "Private_Dirty: %ld", &field) == 1)
            kilobytes += field;
    fclose(rollup);
    print_figure((double)kilobytes);
    return 0;
}
