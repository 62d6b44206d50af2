// libc's generator was seeded and used: every child draws the same numbers.
// EXPECT: rng-shared severity=info state=open count=1
#include "../../process.h"

int main(void) {
    srandom(42);
    random();
    fork_living_child();
    return 0;
}
