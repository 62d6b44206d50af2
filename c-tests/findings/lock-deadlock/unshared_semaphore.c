// A child that lost a thread waits for a semaphore in memory that it shares with its leader, which was made for one process.
// EXPECT: lock-deadlock severity=error state=hit count=1 subject~'semaphore that was made for one process'
// EXPECT-LAST: lock-deadlock hit
// EXPECT-NOT: join-lost-thread
// STDERR: what another one does wakes nobody here
#include "unshared.h"
#include "../../worker.h"
#include <semaphore.h>

static sem_t *done;

static void worker_body(void) {}

static void child_body(void) {
    sem_wait(done);
}

int main(void) {
    done = share(sizeof *done);
    CHECK(sem_init(done, 0, 0) == 0);
    start_worker(run_and_stay);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
