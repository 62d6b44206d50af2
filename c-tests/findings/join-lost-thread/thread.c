// The child joins a thread of its leader: glibc returns at once, with no result, so the last word is that it came back.
// GLIBC-BEFORE: 2.43 waits for ever
// EXPECT: join-lost-thread severity=error state=hit subject~worker count=1
// EXPECT: join-lost-thread sites=[role=started,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread resolved count=1
// EXPECT-LAST: thread-lost hit count=1
#include "../../process.h"

static pthread_t worker;

static void join(void) {
    CHECK(pthread_join(worker, NULL) == 0);
}

int main(void) {
    worker = start_worker(stay_idle);
    fork_working_child(join);
    return 0;
}
