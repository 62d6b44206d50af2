// ENV: FORKGUARD_SAFE_POINT=10000
// A semaphore that acts as a lock.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: child cures=[guard=safe-point,action~'waited for',subject~'lock: 1']
#include "fixture.h"
#include <semaphore.h>

static sem_t lock;

__attribute__((constructor)) static void make(void) { CHECK(sem_init(&lock, 0, 1) == 0); }

static void hold(void) { CHECK(sem_wait(&lock) == 0); }
static void let_go(void) { CHECK(sem_post(&lock) == 0); }
static void use(void) { CHECK(sem_wait(&lock) == 0); }
