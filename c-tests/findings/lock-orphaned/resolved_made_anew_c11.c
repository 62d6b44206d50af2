// The child makes the C11 mutex of a lost thread anew.
// EXPECT: lock-orphaned state=open count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: lock-orphaned resolved count=1
#include "../../working_child.h"
#include <threads.h>

static mtx_t mutex;

static void worker_body(void) {
    CHECK(mtx_init(&mutex, mtx_plain) == thrd_success && mtx_lock(&mutex) == thrd_success);
}

static void child_body(void) {
    CHECK(mtx_init(&mutex, mtx_plain) == thrd_success);
    CHECK(mtx_lock(&mutex) == thrd_success && mtx_unlock(&mutex) == thrd_success);
}
