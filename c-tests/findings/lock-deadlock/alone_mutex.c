// The only thread of a process holds its mutex across the fork, and the child locks it again: nobody is there to unlock it.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// STDERR: lock-deadlock
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}

int main(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
