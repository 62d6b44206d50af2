// A program that draws no numbers.
// EXPECT-NOT: rng-shared
// EXPECT-EVENT: fork kind=fork
#include "../../process.h"

int main(void) {
    fork_living_child();
    return 0;
}
