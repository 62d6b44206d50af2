// A fixup waits for a lock that a lost thread holds: the hooks see it as they see any, and the lock has the name that the program gave it.
// EXPECT: lock-deadlock severity=error state=hit subject~'mutex session table at 0x' subject~worker count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-orphaned hit subject~'session table' count=1
// EXPECT-EVENT: fixup name=locks progress=begins count=1
// EXPECT-NO-EVENT: fixup progress=done
// STDERR: session table
// STDERR: in the fixup locks
#include "fixture.h"

static pthread_mutex_t *lock;

static void *hold(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(lock) == 0);
    stay();
}

static void locks(void *unused) {
    (void)unused;
    pthread_mutex_lock(lock);
}

static void never(void) {
    CHECK(!"fork returned");
}

int main(void) {
    lock = calloc(1, sizeof *lock);
    CHECK(forkguard_name_lock(lock, "session table") == 0);
    registered("locks", locks, NULL);
    start_worker(hold);
    fork_hanging_child("lock-deadlock", never);
    return 0;
}
