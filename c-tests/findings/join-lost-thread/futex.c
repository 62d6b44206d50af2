// The only thread of the child waits for a futex through the syscall function, as Rust's and GLib's locks do.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT: join-lost-thread sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: join-lost-thread hit
// STDERR: join-lost-thread
#include "../../process.h"
#include <linux/futex.h>

static atomic_int word;

static void child_body(void) {
    for (;;)
        syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
}

int main(void) {
    start_worker(stay_idle);
    fork_hanging_child("join-lost-thread", child_body);
    return 0;
}
