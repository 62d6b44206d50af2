// The main thread blocks SIGTERM for a thread that takes it; a thread that it starts afterwards forks: who blocked it is the main thread.
// EXPECT-LAST: signals-blocked open severity=warning sites=[role=blocked,frames.function=block_for_all]
#include "../../process.h"

static void *fork_in_thread(void *unused) {
    fork_living_child();
    return unused;
}

__attribute__((noinline)) void block_for_all(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    // What blocks no further one is not the cause.
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

int main(void) {
    pthread_t thread;
    block_for_all();
    CHECK(pthread_create(&thread, NULL, fork_in_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
