// FORKGUARD_LOCKS=reset: a child that execs at once has its orphans resolved, too.
// ENV: FORKGUARD_LOCKS=reset
// EXPECT: lock-orphaned state=open count=1
// EXPECT-LAST: lock-orphaned resolved because~'forkguard reset it' count=1
// EXPECT-NO-EVENT: child
#include "../../held_mutex.h"
#include <sys/mman.h>

int main(void) {
    atomic_bool *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(told != MAP_FAILED);
    start_worker(run_and_stay);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        // Nothing is reported of a child that ends before its leader reports the fork.
        EVENTUALLY(*told);
        CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
        execl("/bin/true", "true", NULL);
        CHECK(!"came back");
    }
    *told = true;
    EXITED(child, 0);
    CHECK(pthread_mutex_trylock(&mutex) == EBUSY);
    return 0;
}
