// A child that ends by exit(3) says goodbye over its leader's connection: it is to end by _exit(2), wherever it would connect.
// EXPECT: connection-shared-use severity=error state=hit subject~'used as the child ends' cure~'End the child by _exit' count=1
// STDERR: cure: end the child by _exit()
#include "goodbye.h"

int main(void) {
    connect_for_good();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    return 0;
}
