// A child waits for a condition in memory that it shares with its leader, which was made for one process: the leader's signal would not wake it.
// EXPECT: lock-deadlock severity=error state=hit count=1 subject~'condition that was made for one process, but lies in memory that processes share' cure~PTHREAD_PROCESS_SHARED
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// STDERR: cure: make it process-shared (PTHREAD_PROCESS_SHARED, sem_init's pshared); std::mutex never is
#include "unshared.h"

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
} *shared;

static void child_body(void) {
    CHECK(pthread_mutex_lock(&shared->mutex) == 0);
    pthread_cond_wait(&shared->condition, &shared->mutex);
}

int main(void) {
    shared = share(sizeof *shared);
    CHECK(pthread_mutex_init(&shared->mutex, NULL) == 0 && pthread_cond_init(&shared->condition, NULL) == 0);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
