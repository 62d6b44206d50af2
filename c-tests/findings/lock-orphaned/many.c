// More locks than any table holds: all are counted, and those that are not listed are counted as missing.
// EXPECT: lock-orphaned severity=warning subject~worker
// EXPECT-EVENT: fork counts.locks=500
// EXPECT-NO-EVENT: fork truncated.locks=0
#include "../../living_child.h"

static pthread_mutex_t mutexes[500];

static void worker_body(void) {
    for (int index = 0; index < 500; index++)
        CHECK(pthread_mutex_init(&mutexes[index], NULL) == 0 && pthread_mutex_lock(&mutexes[index]) == 0);
}
