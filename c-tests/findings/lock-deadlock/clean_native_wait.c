// What a function awaits that takes no lock, a signal's handler may do: no error.
// FLAGS: -g
// EXPECT-NOT: lock-deadlock
// EXPECT-NOT: join-lost-thread
#include "native_lock.h"

static own_lock lock = 1;

static void release(int signal) {
    (void)signal;
    lock = 0;
    syscall(SYS_futex, &lock, FUTEX_WAKE_PRIVATE, 1);
}

int main(void) {
    int ready[2];
    CHECK(pipe(ready) == 0);
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        signal(SIGUSR1, release);
        CHECK(write(ready[1], "r", 1) == 1);
        await_own_lock(&lock);
        _exit(0);
    }
    char byte;
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(kill(child, SIGUSR1) == 0);
    EXITED(child, 0);
    return 0;
}
