// The wait that the leader found in vain was none: a signal's handler ended it.
// EXPECT: join-lost-thread severity=error state=hit count=1
// EXPECT-LAST: join-lost-thread resolved count=1
#include "idle.h"

static atomic_int word;

static void wake(int signal) {
    (void)signal;
    word = 1;
}

// The last word on the finding is that it was none.
static bool is_resolved(void) {
    char command[4096];
    snprintf(command, sizeof command, "grep -q '\"event\":\"finding-state\".*join-lost-thread.*resolved' '%s'/*.jsonl",
             getenv("FORKGUARD_REPORT"));
    return system(command) == 0;
}

int main(void) {
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        signal(SIGUSR1, wake);
        wait_inline(&word, NULL);
        for (;;)
            pause();
    }
    for (int round = 0; round < 200 && !reported(getpid(), "join-lost-thread"); round++)
        idle_for(1);
    CHECK(kill(child, SIGUSR1) == 0);
    for (int round = 0; round < 200 && !is_resolved(); round++)
        idle_for(1);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(WIFSIGNALED(status_of(child)));
    return 0;
}
