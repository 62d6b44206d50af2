// A process that may not read its own page map (it gave up rights: not dumpable, another user): the list of mappings shows which memory its
// children have for themselves.
// ENV: FORKGUARD_LOCKS=reset
// EXPECT-EVENT: child cures=[guard=locks,action~share,failed=95] cures=[guard=locks,action~usable,subject~mutex]
#include "../../process.h"
#include <sys/mman.h>
#include <sys/prctl.h>

static pthread_mutex_t *shared, own = PTHREAD_MUTEX_INITIALIZER;

static void *hold_for_ever(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(shared) == 0 && pthread_mutex_lock(&own) == 0);
    stay();
}

int main(void) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED && pthread_mutex_init(shared, NULL) == 0);
    start_worker(hold_for_ever);
    if (getuid() == 0)
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
    fork_living_child();
    CHECK(pthread_mutex_trylock(shared) == EBUSY);
    return 0;
}
