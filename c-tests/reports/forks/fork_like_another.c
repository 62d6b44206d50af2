// Forks that are like an earlier one refer to it; what becomes of each child's findings is its own: one ends at once, one hangs, one
// lives on without harm.
// EXPECT-EVENT: fork kind=fork count=4
// EXPECT-EVENT: fork kind=fork like~.1 count=3
// EXPECT: lock-orphaned count=4
// EXPECT-NO-EVENT: exit status=3
// EXPECT-LAST: lock-orphaned hit count=1
// EXPECT-LAST: lock-orphaned untouched count=2
// EXPECT-LAST: lock-orphaned moot count=1
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *hold(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    stay();
    return unused;
}

static void fork_child(void (*body)(void), int status) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        _exit(status);
    }
    EXITED(child, status);
}

static void end(void) {
}

static void be_bitten(void) {
    struct timespec soon = from_now(CLOCK_REALTIME, 5);
    CHECK(pthread_mutex_timedlock(&mutex, &soon) == ETIMEDOUT);
    poll(NULL, 0, 10);
}

static void go_unharmed(void) {
    poll(NULL, 0, 10);
}

int main(void) {
    start_worker(hold);
    void (*bodies[])(void) = {go_unharmed, end, be_bitten, go_unharmed};
    for (int i = 0; i < 4; i++)
        fork_child(bodies[i], i == 1 ? 3 : 0);
    return 0;
}
