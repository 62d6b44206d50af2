// The only thread of a child waits for a condition of its own process.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// STDERR: lock-deadlock
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void child_body(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    pthread_cond_wait(&condition, &mutex);
}

int main(void) {
    CHECK(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
