// main blocks SIGTERM for its threads; one of them forks and executes a program, which cannot be stopped by it.
// ENV: FORKGUARD=observe
// EXPECT: signals-blocked severity=warning state=hit count=1 subject~'SIGTERM blocked in' subject~true
// EXPECT: signals-blocked sites=[role=blocked,frames.module~PROGRAM]
// EXPECT: signals-blocked sites=[role=used,frames.module~PROGRAM]
#include "../../programs.h"

static void *run(void *unused) {
    fork_and_execute(NULL);
    return unused;
}

int main(void) {
    block(SIGTERM);
    block(SIGWINCH);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, NULL) == 0 && pthread_join(thread, NULL) == 0);
    return 0;
}
