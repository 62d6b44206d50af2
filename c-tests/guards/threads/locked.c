// ENV: FORKGUARD_THREADS=revive
// A marked thread that held a lock stays lost: what the lock guards is half done.
// EXPECT: lock-orphaned severity=warning subject~worker
// EXPECT-LAST: thread-lost open subject~worker count=1
// EXPECT-NO-EVENT: child cures=[guard=threads]
#include "fixture.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *serve_locked(void *argument) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    return serve(argument);
}

int main(void) {
    CHECK(forkguard_mark_thread_restartable && forkguard_mark_thread_restartable(start_server(serve_locked, NULL)) == 0);
    fork_working_child(be_alone);
    ask();
    return 0;
}
