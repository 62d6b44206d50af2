// One worker holds a mutex in memory that it shares with another, which was made for one process: the other waits, and its release would wake nobody.
// EXPECT: lock-deadlock severity=error state=hit count=1 subject~'mutex that was made for one process'
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// STDERR: cure: make it process-shared
// STDERR-NOT: which its process does not have
#include "unshared.h"

static struct {
    pthread_mutex_t mutex;
    int held;
} *shared;

static void child_body(void) {
    pthread_mutex_lock(&shared->mutex);
}

int main(void) {
    shared = share(sizeof *shared);
    CHECK(pthread_mutex_init(&shared->mutex, NULL) == 0);
    pid_t holder = fork();
    CHECK(holder >= 0);
    if (holder == 0) {
        CHECK(pthread_mutex_lock(&shared->mutex) == 0);
        __atomic_store_n(&shared->held, 1, __ATOMIC_SEQ_CST);
        pause();
    }
    EVENTUALLY(__atomic_load_n(&shared->held, __ATOMIC_SEQ_CST) == 1);
    fork_hanging_child("lock-deadlock", child_body);
    CHECK(kill(holder, SIGKILL) == 0);
    status_of(holder);
    return 0;
}
