// FORKGUARD_SUMMARY=never: what bites is in the report alone.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// STDERR-NOT: forkguard
#include "bite.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void work(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
}

static void bite(void) {
    pthread_mutex_lock(&mutex);
}
