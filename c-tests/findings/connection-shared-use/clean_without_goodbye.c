// A child that ends by _exit(2) runs no exit handler of its leader's.
// EXPECT-NOT: connection-shared-use
#include "goodbye.h"

int main(void) {
    connect_for_good();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    return 0;
}
