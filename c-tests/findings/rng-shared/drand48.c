// The generators of drand48(3), seeded before the fork.
// EXPECT: rng-shared severity=info state=open count=1
#include "../../process.h"

int main(void) {
    srand48(42);
    CHECK(drand48() < 1 && lrand48() >= 0);
    mrand48();
    fork_living_child();
    return 0;
}
