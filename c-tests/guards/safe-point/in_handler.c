// ENV: FORKGUARD_SAFE_POINT=10000
// The fork is made in a signal handler.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: child cures=[guard=safe-point,action~'waited for',subject~'lock: 1']
#define OWN_MAIN
#include "fixture.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void hold(void) { CHECK(pthread_mutex_lock(&lock) == 0); }
static void let_go(void) { CHECK(pthread_mutex_unlock(&lock) == 0); }
static void use(void) { CHECK(pthread_mutex_lock(&lock) == 0); }

static void fork_now(int signal) {
    (void)signal;
    fork_working_child(use_or_die);
}

int main(void) {
    CHECK(signal(SIGUSR1, fork_now) != SIG_ERR);
    start_worker(hold_until_waited_for);
    forks_now = true;
    CHECK(raise(SIGUSR1) == 0);
    return 0;
}
