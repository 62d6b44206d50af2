// ENV: FORKGUARD_SAFE_POINT=300
// Who never gives a lock up holds up the first fork of a storm, not the others: they say so.
// EXPECT-EVENT: child cures=[guard=safe-point,action='waited for',failed=110]
// EXPECT-EVENT: child cures=[guard=safe-point,action='waited for again',failed=110,subject~worker,subject~mutex]
// STDERR: forked without a safe point: after 300 ms thread worker
#include "../../process.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *hold_for_ever(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&lock) == 0);
    stay();
}

int main(void) {
    start_worker(hold_for_ever);
    for (int fork = 0; fork < 8; fork++)
        fork_living_child();
    return 0;
}
