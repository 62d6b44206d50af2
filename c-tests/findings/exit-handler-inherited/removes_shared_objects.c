// A handler of the leader's removes its semaphores, shared memory and message queue in a child that ends by exit; each of them is named.
// EXPECT: exit-handler-inherited severity=warning state=hit subject~remove_objects() subject~removes subject~/dev/shm/sem.forkguard sites=[role=created,frames.function=make_objects]
// STDERR: exit-handler-inherited (warning)
#include "shared_objects.h"

int main(void) {
    make_objects();
    CHECK(count_objects() == 5 && atexit(remove_objects) == 0);
    pid_t child = fork();
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    CHECK(count_objects() == 0);
    _exit(0);
}
