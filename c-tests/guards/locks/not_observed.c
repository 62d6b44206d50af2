// FORKGUARD=observe: nothing is reset, whatever FORKGUARD_LOCKS asks for.
// ENV: FORKGUARD=observe
// ENV: FORKGUARD_LOCKS=reset
// EXPECT: lock-deadlock state=hit count=1
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../held_mutex.h"
#include "../../hanging_child.h"

static void child_body(void) {
    pthread_mutex_lock(&mutex);
}
