// The only thread of a process holds a read-write lock for writing: its owner is a thread id that the child does not have.
// EXPECT: lock-orphaned severity=warning count=1
// EXPECT-EVENT: fork locks=[kind=rwlock-write,own=true]
#include "../../process.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

int main(void) {
    CHECK(pthread_rwlock_wrlock(&lock) == 0);
    fork_living_child();
    return 0;
}
