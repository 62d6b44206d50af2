// Children that end at once may have drawn numbers, which no call shows: the hazard stands.
// EXPECT: rng-shared severity=info subject~PROGRAM
// EXPECT-LAST: rng-shared open
// EXPECT-LAST-NOT: rng-shared moot
#include "../../process.h"
#include <sys/random.h>

int main(void) {
    unsigned seed;
    CHECK(getrandom(&seed, sizeof seed, 0) == sizeof seed);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(rand_r(&seed) < 0);
    EXITED(child, 0);
    return 0;
}
