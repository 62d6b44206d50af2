// A leader that waits for the one child that hangs finds it, though its call never comes back to it.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT-LAST: join-lost-thread hit count=1
// STDERR: join-lost-thread
#include "idle.h"
#include <sys/mman.h>

static atomic_int word;

int main(void) {
    _Atomic pid_t *hanging = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(hanging != MAP_FAILED);
    pid_t leader = getpid(), helper = fork();
    CHECK(helper >= 0);
    if (helper == 0) {
        bool found = false;
        for (int round = 0; round < 10000 && !(found = *hanging && reported(leader, "join-lost-thread")); round++)
            brief_pause();
        CHECK(kill(*hanging, found ? SIGKILL : SIGABRT) == 0);
        _exit(0);
    }
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        wait_inline(&word, NULL);
    *hanging = child;
    int status = status_of(child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    EXITED(helper, 0);
    return 0;
}
