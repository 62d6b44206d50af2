// A thread that children do without is no warning; another one is.
// ALONE: 0
// EXPECT: thread-lost severity=info subject~worker subject~'children do without' count=1
// EXPECT: thread-lost severity=warning count=1
// EXPECT-EVENT: fork threads=[fork_safe=true,name=worker]
#include "../../process.h"
#include "../../../include/forkguard.h"

int main(void) {
    pthread_t safe = start_worker(stay_idle);
    if (forkguard_mark_thread_fork_safe) {
        CHECK(forkguard_mark_thread_fork_safe(safe) == 0);
        CHECK(forkguard_mark_thread_restartable(safe) == 0);
        FAILS(ESRCH, forkguard_mark_thread_fork_safe((pthread_t)&safe));
    }
    pthread_t other;
    in_place = false;
    CHECK(pthread_create(&other, NULL, stay_idle, NULL) == 0);
    EVENTUALLY(in_place);
    fork_living_child();
    return 0;
}
