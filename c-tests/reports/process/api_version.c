// The C API is weak: there under the library, absent without it.
// EXPECT-EVENT: process forkguard~.
#include "../../process.h"
#include "../../../include/forkguard.h"
#include <string.h>

int main(void) {
    CHECK(forkguard_version != NULL);
    CHECK(strchr(forkguard_version(), '.') != NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    return 0;
}
