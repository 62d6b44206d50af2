// The child joins a C11 thread of its leader.
// GLIBC-BEFORE: 2.43 waits for ever
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=started,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread resolved count=1
// EXPECT-LAST: thread-lost hit count=1
#include "../../process.h"
#include <threads.h>

static thrd_t worker;

static int idle(void *unused) {
    (void)unused;
    stay();
}

static void join(void) {
    CHECK(thrd_join(worker, NULL) == thrd_success);
}

int main(void) {
    CHECK(thrd_create(&worker, idle, NULL) == thrd_success);
    EVENTUALLY(in_place);
    fork_working_child(join);
    return 0;
}
