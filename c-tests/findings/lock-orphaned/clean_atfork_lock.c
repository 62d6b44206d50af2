// The same library takes its lock in prepare: it waits there until the worker lets it go, and no child is stuck.
// PLUGIN: atfork_locks
// EXPECT-NOT: lock-orphaned
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-EVENT: child count=1
#include "../../process.h"
#include <dlfcn.h>

static pthread_mutex_t *lock;
static atomic_bool *preparing;

static void *hold_until_a_fork(void *unused) {
    CHECK(pthread_mutex_lock(lock) == 0);
    in_place = true;
    EVENTUALLY(*preparing);
    CHECK(pthread_mutex_unlock(lock) == 0);
    return unused;
}

int main(void) {
    void *library = dlopen("libatfork_locks.so", RTLD_NOW);
    CHECK(library && (lock = dlsym(library, "lock")) && (preparing = dlsym(library, "preparing")));
    *(atomic_bool *)dlsym(library, "careful") = true;
    pthread_t worker = start_worker(hold_until_a_fork);
    fork_living_child();
    CHECK(pthread_join(worker, NULL) == 0);
    return 0;
}
