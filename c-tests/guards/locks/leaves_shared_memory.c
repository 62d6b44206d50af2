// A mutex in memory that processes share, though it is not made for that: FORKGUARD_LOCKS=reset leaves it to its holder, and reports that.
// ENV: FORKGUARD_LOCKS=reset
// EXPECT: lock-orphaned subject~worker explain~share count=1
// EXPECT-EVENT: child cures=[guard=locks,action~share,failed=95,subject~mutex]
// EXPECT-EVENT: fork locks=[kind=mutex,shared=true]
#include "../../process.h"
#include <sys/mman.h>

static pthread_mutex_t *lock;

static void *hold_for_ever(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(lock) == 0);
    stay();
}

int main(void) {
    lock = mmap(NULL, sizeof *lock, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(lock != MAP_FAILED && pthread_mutex_init(lock, NULL) == 0);
    start_worker(hold_for_ever);
    fork_living_child();
    CHECK(pthread_mutex_trylock(lock) == EBUSY);
    return 0;
}
