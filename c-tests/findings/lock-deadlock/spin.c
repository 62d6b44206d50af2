// A spin lock that a lost thread holds: the child burns its processor for ever.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../process.h"

static pthread_spinlock_t lock;

static void *hold(void *unused) {
    (void)unused;
    CHECK(pthread_spin_init(&lock, 0) == 0 && pthread_spin_lock(&lock) == 0);
    stay();
}

int main(void) {
    start_worker(hold);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        // Only where nothing is reported.
        alarm(20);
        pthread_spin_lock(&lock);
        _exit(1);
    }
    EVENTUALLY(reported(child, "lock-deadlock"));
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(WTERMSIG(status_of(child)) == SIGKILL);
    return 0;
}
