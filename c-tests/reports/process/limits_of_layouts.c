// What the C library lays out in a way that is not known is not looked into, and the report says so; all else is looked into.
// PLUGIN: strange_conditions
// LIBS: -Wl,--no-as-needed -lstrange_conditions
// EXPECT-EVENT: process limits~conditions
// EXPECT-NO-EVENT: process limits~mutexes
// EXPECT: lock-orphaned severity=warning subject~mutex count=1
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *lock(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    stay();
}

int main(void) {
    start_worker(lock);
    fork_living_child();
    return 0;
}
