// ENV: FORKGUARD_SAFE_POINT=10000
// A read-write lock, for writing.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: child cures=[guard=safe-point,action~'waited for',subject~'lock: 1']
#include "fixture.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static void hold(void) { CHECK(pthread_rwlock_wrlock(&lock) == 0); }
static void let_go(void) { CHECK(pthread_rwlock_unlock(&lock) == 0); }
static void use(void) { CHECK(pthread_rwlock_rdlock(&lock) == 0); }
