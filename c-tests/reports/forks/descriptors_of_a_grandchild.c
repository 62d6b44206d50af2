// A descriptor that a child inherited is reported as inherited when the child forks in turn.
// EXPECT-EVENT: fork descriptors=[fd=31,kind=eventfd,origin=recorded]
// EXPECT-EVENT: fork descriptors=[fd=31,kind=eventfd,origin=forked]
// EXPECT-EVENT: child count=2
#include "../../process.h"
#include <sys/eventfd.h>

int main(void) {
    CHECK(dup2(eventfd(0, 0), 31) == 31);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        fork_living_child();
        live();
    }
    EXITED(child, 0);
    return 0;
}
