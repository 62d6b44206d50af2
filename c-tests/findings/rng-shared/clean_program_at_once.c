// A child that does nothing but execute a program draws no numbers, whether its leader has reported by then or not.
// EXPECT-LAST: rng-shared moot count=2
// EXPECT-LAST-NOT: rng-shared open
#include "../../process.h"
#include <sys/random.h>

static void run(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    EXITED(child, 0);
}

int main(void) {
    unsigned seed;
    CHECK(getrandom(&seed, sizeof seed, 0) == sizeof seed);
    run();
    CHECK(dup(0) > 0); // another fork, with a report of its own
    run();
    return 0;
}
