// ENV: FORKGUARD_SAFE_POINT=10000
// A spin lock.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: child cures=[guard=safe-point,action~'waited for',subject~'lock: 1']
#include "fixture.h"

static pthread_spinlock_t lock;

__attribute__((constructor)) static void make(void) { CHECK(pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE) == 0); }

static void hold(void) { CHECK(pthread_spin_lock(&lock) == 0); }
static void let_go(void) { CHECK(pthread_spin_unlock(&lock) == 0); }
static void use(void) { CHECK(pthread_spin_lock(&lock) == 0); }
