// What may be insecure is the salt of a hash, and what the child takes is its own.
// EXPECT-NOT: rng-shared
// EXPECT-EVENT: fork kind=fork
#include "../../process.h"
#include <sys/random.h>

int main(void) {
    char salt[16];
    getrandom(salt, sizeof salt, 4 /* GRND_INSECURE, not in every header */);
    fork_living_child();
    return 0;
}
