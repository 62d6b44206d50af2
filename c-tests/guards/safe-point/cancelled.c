// ENV: FORKGUARD_SAFE_POINT=10000
// A thread at the gate, which was about to wait for a semaphore, is cancelled: it ends there when the fork is over, and a signal whose
// handler takes no lock is handled meanwhile.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: child cures=[guard=safe-point,action~'waited for',subject~'lock: 1']
#define OWN_MAIN
#include "fixture.h"
#include <semaphore.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t semaphore;
static atomic_bool may_go;
static _Atomic pid_t at_gate_tid;
static pthread_t at_gate;
static atomic_int handled;

static void hold(void) { CHECK(pthread_mutex_lock(&lock) == 0); }

static void handle(int signal) {
    (void)signal;
    handled++;
}

// In the holder, when main waits for it.
static void let_go(void) {
    may_go = true;
    until_blocked_in(SYS_futex, at_gate_tid);
    CHECK(pthread_kill(at_gate, SIGUSR1) == 0);
    EVENTUALLY(handled);
    CHECK(pthread_cancel(at_gate) == 0);
    CHECK(pthread_mutex_unlock(&lock) == 0);
}

static void use(void) { CHECK(pthread_mutex_lock(&lock) == 0); }

static void *go_to_gate(void *unused) {
    at_gate_tid = syscall(SYS_gettid);
    while (!may_go)
        brief_pause();
    sem_wait(&semaphore);
    return unused;
}

int main(void) {
    CHECK(sem_init(&semaphore, 0, 0) == 0 && signal(SIGUSR1, handle) != SIG_ERR);
    CHECK(pthread_create(&at_gate, NULL, go_to_gate, NULL) == 0);
    EVENTUALLY(at_gate_tid);
    start_worker(hold_until_waited_for);
    forks_now = true;
    fork_working_child(use_or_die);
    void *result;
    CHECK(pthread_join(at_gate, &result) == 0 && result == PTHREAD_CANCELED);
    return 0;
}
