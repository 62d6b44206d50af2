// A spin lock that a lost thread holds: the child burns its processor for ever.
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~deadlock_spin] sites=[role=waits,frames.module~deadlock_spin]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: lock-deadlock
#include "bite.h"

static pthread_spinlock_t lock;

static void work(void) {
    CHECK(pthread_spin_init(&lock, 0) == 0 && pthread_spin_lock(&lock) == 0);
}

static void bite(void) {
    pthread_spin_lock(&lock);
}
