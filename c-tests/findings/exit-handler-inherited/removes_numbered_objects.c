// The same of what has a number only.
// EXPECT: exit-handler-inherited severity=warning state=hit subject~remove_queue() subject~queue sites=[role=created,frames.function=make_objects]
// EXPECT: exit-handler-inherited severity=warning state=hit subject~remove_memory() subject~memory
// EXPECT: exit-handler-inherited severity=warning state=hit subject~remove_semaphores() subject~semaphores
#include "shared_objects.h"

static void remove_queue(void) { msgctl(queue, IPC_RMID, NULL); }
static void remove_memory(void) { shmctl(memory, IPC_RMID, NULL); }
static void remove_semaphores(void) { semctl(semaphores, 0, IPC_RMID); }

int main(void) {
    make_objects();
    CHECK(atexit(remove_queue) == 0 && atexit(remove_memory) == 0 && atexit(remove_semaphores) == 0);
    pid_t child = fork();
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    remove_objects();
    _exit(0);
}
