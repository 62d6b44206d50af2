// A child's handler, which it has from its leader, removes what the child made; what the leader made is gone already when a second child's handler
// removes it, and its result is the kernel's.
// EXPECT: exit-handler-inherited severity=info
// EXPECT-NOT: exit-handler-inherited severity=warning
#include "shared_objects.h"

int main(void) {
    CHECK(atexit(remove_objects) == 0);
    pid_t child = fork();
    if (child == 0) {
        make_objects();
        exit(0);
    }
    EXITED(child, 0);
    make_objects();
    remove_objects();
    child = fork();
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    _exit(0);
}
