// The same by rand: every child draws the same numbers.
// EXPECT: rng-shared severity=info state=open count=1
#include "../../process.h"

int main(void) {
    srand(42);
    rand();
    fork_living_child();
    return 0;
}
