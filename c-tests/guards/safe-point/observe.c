// ENV: FORKGUARD_SAFE_POINT=10000
// ENV: FORKGUARD=observe
// Who observes waits for nobody.
// EXPECT: lock-orphaned subject~worker count=1
// EXPECT-EVENT: child cures_unlisted=0
// EXPECT-NO-EVENT: child cures=[guard=safe-point]
// STDERR-NOT: safe point
#include "../../living_child.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void worker_body(void) { CHECK(pthread_mutex_lock(&lock) == 0); }
