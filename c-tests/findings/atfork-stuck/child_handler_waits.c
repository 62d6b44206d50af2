// A library's child handler waits for the lock that a lost thread holds: fork() never returns in the child.
// PLUGIN: atfork_locks
// EXPECT: atfork-stuck severity=error state=hit subject~libatfork_locks.so count=1
// EXPECT: atfork-stuck sites=[role=registered,frames.module~libatfork_locks] sites=[role=waits,frames.module~libatfork_locks]
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=1
// EXPECT-LAST: atfork-stuck hit
// EXPECT-LAST: lock-orphaned hit count=1
// STDERR: libatfork_locks.so
#include "../../process.h"
#include <dlfcn.h>

static pthread_mutex_t *lock;

static void *hold(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(lock) == 0);
    stay();
}

static void never(void) {
    CHECK(!"fork returned");
}

int main(void) {
    void *library = dlopen("libatfork_locks.so", RTLD_NOW);
    CHECK(library && (lock = dlsym(library, "lock")));
    start_worker(hold);
    fork_hanging_child("atfork-stuck", never);
    return 0;
}
