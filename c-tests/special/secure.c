// Linked to the library and run with capabilities of its own (AT_SECURE): prints whether the kernel treats it so, and forks.
#include "../process.h"
#include <sys/auxv.h>

int main(void) {
    printf("secure: %lu\n", getauxval(AT_SECURE));
    fflush(stdout);
    fork_living_child();
    return 0;
}
