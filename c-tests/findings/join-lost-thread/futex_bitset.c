// The same by FUTEX_WAIT_BITSET, as Rust waits without a deadline.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit
// STDERR: join-lost-thread
#include "../../process.h"
#include <linux/futex.h>

static atomic_int word;

static void child_body(void) {
    for (;;)
        syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, ~0U);
}

int main(void) {
    start_worker(stay_idle);
    fork_hanging_child("join-lost-thread", child_body);
    return 0;
}
