// What may be insecure is the salt of a hash, a call for no bytes asks whether there is such a call, and what the child takes is its own.
// EXPECT-NOT: rng-shared
// EXPECT-EVENT: fork kind=fork
#include "../../process.h"
#include <sys/random.h>

int main(void) {
    char salt[16];
    getrandom(salt, sizeof salt, 4 /* GRND_INSECURE, not in every header */);
    CHECK(getrandom(salt, 0, 0) == 0 && syscall(SYS_getrandom, salt, 0, 0) == 0);
    fork_living_child();
    return 0;
}
