// The first filter sees the end of its input although the second one, which has inherited the pipe, runs on; whoever starts them.
// ENV: FORKGUARD_EXEC=clean
// EXPECT-LAST: fd-leaked-exec resolved subject~'the write end of a pipe'
// EXPECT-LAST-NOT: fd-leaked-exec hit
#include "../../filters.h"

int main(void) {
    for (enum way way = BY_FORK; way <= BY_POSIX_SPAWN; way++) {
        struct filter first = start_filter(way, NEGLECTS_OTHERS), second = start_filter(way, NEGLECTS_OTHERS);
        end_filter(first);
        end_filter(second);
    }
    return 0;
}
