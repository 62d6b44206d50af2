// A prepare handler forks in the middle of a fork: both are reported, each once.
// EXPECT-EVENT: fork kind=fork count=2
// EXPECT-EVENT: fork kind=fork detail=full failed=null count=2
// EXPECT-EVENT: child count=2
// EXPECT-EVENT: exit forks=2 count=1
#include "../../process.h"

static bool nested;

static void fork_meanwhile(void) {
    if (nested)
        return;
    nested = true;
    fork_living_child();
}

int main(void) {
    CHECK(pthread_atfork(fork_meanwhile, NULL, NULL) == 0);
    fork_living_child();
    return 0;
}
