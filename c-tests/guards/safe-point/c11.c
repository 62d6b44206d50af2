// ENV: FORKGUARD_SAFE_POINT=10000
// A mutex of C11.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: child cures=[guard=safe-point,action~'waited for',subject~'lock: 1']
#include "fixture.h"
#include <threads.h>

static mtx_t lock;

__attribute__((constructor)) static void make(void) { CHECK(mtx_init(&lock, mtx_plain) == thrd_success); }

static void hold(void) { CHECK(mtx_lock(&lock) == thrd_success); }
static void let_go(void) { CHECK(mtx_unlock(&lock) == thrd_success); }
static void use(void) { CHECK(mtx_lock(&lock) == thrd_success); }
