// A thread that ended with a robust mutex held: the next one has it, and is the only holder.
// EXPECT: lock-orphaned severity=warning subject~worker count=1
// EXPECT-EVENT: fork counts.locks=1 locks=[kind=mutex,holder_name=worker]
#include "../../living_child.h"

static pthread_mutex_t mutex;

static void *die_holding(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    return unused;
}

static void worker_body(void) {
    pthread_mutexattr_t attributes;
    CHECK(pthread_mutexattr_init(&attributes) == 0 && pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(&mutex, &attributes) == 0);
    in_thread(die_holding, NULL);
    CHECK(pthread_mutex_lock(&mutex) == EOWNERDEAD);
}
