// The same lock, taken past every hook: the leader sees it, from its own idle calls.
// FLAGS: -g
// EXPECT: lock-deadlock severity=error state=hit subject~own_lock_inline subject~worker count=1
// EXPECT-LAST: lock-orphaned hit text~own_lock_inline count=1
// EXPECT-NOT: join-lost-thread
// STDERR: lock-deadlock
#include "native_lock.h"
#include <poll.h>

static own_lock lock = 1;

int main(void) {
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        own_lock_inline(&lock);
    for (int round = 0; round < 200 && !reported(getpid(), "lock-deadlock"); round++)
        poll(NULL, 0, 100);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(WIFSIGNALED(status_of(child)));
    return 0;
}
