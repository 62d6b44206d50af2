// FORKGUARD_SUMMARY=never: the finding is in the report alone.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// STDERR-NOT: forkguard
#include "../../held_mutex.h"
#include "../../hanging_child.h"

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}
