// The only thread of a child waits for a futex of its own process, as Rust's locks do.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// STDERR: lock-deadlock
#include "../../process.h"
#include <linux/futex.h>

static int word = 2;

static void child_body(void) {
    syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, NULL);
}

int main(void) {
    word = 2;
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
