// FORKGUARD_FILES=own: an exit handler that a child has from its leader leaves the leader's shared objects.
// ENV: FORKGUARD_FILES=own
// EXPECT-NOT: exit-handler-inherited severity=warning
// EXPECT-LAST: exit-handler-inherited resolved because~forkguard
// STDERR-NOT: exit-handler-inherited
#include "../../findings/exit-handler-inherited/shared_objects.h"

int main(void) {
    make_objects();
    CHECK(atexit(remove_objects) == 0);
    pid_t child = fork();
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    CHECK(count_objects() == 5);
    remove_objects();
    CHECK(count_objects() == 0);
    _exit(0);
}
