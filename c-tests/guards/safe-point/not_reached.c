// ENV: FORKGUARD_SAFE_POINT=50
// Who never gives a lock up holds the fork up for as long as was allowed, and the report and stderr say who it was.
// EXPECT: lock-orphaned subject~worker count=1
// EXPECT-EVENT: child cures=[guard=safe-point,failed=110,subject~worker,subject~mutex]
// STDERR: forked without a safe point: after 50 ms thread worker
// STDERR: taken at
#include "../../process.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *hold_for_ever(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&lock) == 0);
    stay();
}

int main(void) {
    start_worker(hold_for_ever);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    fork_living_child();
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000 >= 50);
    return 0;
}
