// Filters whose pipes are closed, given on purpose, or of use to their leader alone: by fork, vfork and posix_spawn.
// ENV: FORKGUARD=observe
// EXPECT-NOT: fd-leaked-exec
#include "../../filters.h"

int main(void) {
    int wake[2];
    // A server wakes itself up through it: nobody waits for its end.
    CHECK(pipe(wake) == 0);
    for (enum way way = BY_FORK; way <= BY_POSIX_SPAWN; way++) {
        struct filter first = start_filter(way, CAREFUL), second = start_filter(way, CAREFUL);
        end_filter(first);
        end_filter(second);
    }
    return 0;
}
