// The child starts threads, but not the one it has lost: another start routine, and the same one at another place.
// EXPECT: thread-lost state=open subject~worker count=1
// EXPECT-LAST: thread-lost open count=1
// EXPECT-NO-EVENT: finding-state
#include "../../process.h"

static void *other(void *unused) {
    return unused;
}

static void start_others(void) {
    in_thread(other, NULL);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, stay_idle, NULL) == 0);
}

int main(void) {
    start_worker(stay_idle);
    fork_working_child(start_others);
    return 0;
}
