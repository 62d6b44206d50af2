// Locks released in another order than they were taken, among many: one stays, and only that one is told.
// EXPECT: lock-orphaned severity=warning subject~worker count=1
// EXPECT-EVENT: fork counts.locks=1
#include "worker.h"

enum { COUNT = 40 };
static pthread_mutex_t mutexes[COUNT];

static void work(void) {
    for (int index = 0; index < COUNT; index++)
        CHECK(pthread_mutex_init(&mutexes[index], NULL) == 0 && pthread_mutex_lock(&mutexes[index]) == 0);
    for (int index = 0; index < COUNT; index++)
        CHECK(index == 17 || pthread_mutex_unlock(&mutexes[index]) == 0);
}
