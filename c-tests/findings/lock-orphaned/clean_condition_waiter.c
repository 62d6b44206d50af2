// A thread that waits for a condition does not hold the mutex.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: fork counts.locks=0 threads=[name=worker,recorded=true,stood.role=stood]
#include "../../condition_waiter.h"

int main(void) {
    start_worker_blocked_in(SYS_futex, wait_for_condition);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    fork_living_child();
    return 0;
}
