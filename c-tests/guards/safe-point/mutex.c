// ENV: FORKGUARD_SAFE_POINT=10000
// A mutex.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: child cures=[guard=safe-point,action~'waited for',subject~'lock: 1']
#include "fixture.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void hold(void) { CHECK(pthread_mutex_lock(&lock) == 0); }
static void let_go(void) { CHECK(pthread_mutex_unlock(&lock) == 0); }
static void use(void) { CHECK(pthread_mutex_lock(&lock) == 0); }
