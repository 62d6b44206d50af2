// Locks released in another order than they were taken, among many: one stays, and only that one is reported.
// EXPECT: lock-orphaned severity=warning subject~worker count=1
// EXPECT-EVENT: fork counts.locks=1
#include "../../living_child.h"

enum { COUNT = 12 };
static pthread_mutex_t mutexes[COUNT];

static void worker_body(void) {
    for (int index = 0; index < COUNT; index++)
        CHECK(pthread_mutex_init(&mutexes[index], NULL) == 0 && pthread_mutex_lock(&mutexes[index]) == 0);
    for (int index = 0; index < COUNT; index++)
        CHECK(index == 7 || pthread_mutex_unlock(&mutexes[index]) == 0);
}
