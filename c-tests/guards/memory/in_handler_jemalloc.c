// ENV: FORKGUARD_MEMORY=trim
// ENV: MALLOC_CONF=dirty_decay_ms:-1
// LIBS: -l:libjemalloc.so.2
// A fork in a signal handler may have interrupted the allocator: it is left alone.
// EXPECT-EVENT: child cures_unlisted=0
#include "fixture.h"
#include <signal.h>

static void handle(int signal) {
    (void)signal;
    fork_after_freeing(has_as_much);
}

int main(void) {
    CHECK(signal(SIGUSR1, handle) != SIG_ERR && raise(SIGUSR1) == 0);
    return 0;
}
