// Who waits in vain waits for a thread that is missed, not for one that children do without.
// EXPECT: join-lost-thread severity=error state=hit subject~'1 thread ("pool")' count=1
// EXPECT-LAST: join-lost-thread hit
#include "../../process.h"
#include "../../../include/forkguard.h"
#include <semaphore.h>

static void child_body(void) {
    sem_t fresh;
    CHECK(sem_init(&fresh, 0, 0) == 0);
    sem_wait(&fresh);
}

int main(void) {
    CHECK(forkguard_mark_thread_fork_safe(start_worker(stay_idle)) == 0);
    CHECK(pthread_setname_np(start_worker(stay_idle), "pool") == 0);
    fork_hanging_child("join-lost-thread", child_body);
    return 0;
}
