// A lost thread walks the loaded libraries, and the child loads one: no hook sees what it waits for there, its leader does.
// PLUGIN: atfork_plugin
// EXPECT: lock-deadlock severity=error state=hit subject~worker subject~'in dlopen()' count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-orphaned hit text~dl_iterate_phdr count=1
// EXPECT-NOT: join-lost-thread
// STDERR: lock-deadlock
#include "../../library_list_walker.h"
#include <dlfcn.h>

int main(void) {
    start_worker_blocked_in(SYS_pause, walk_libraries);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dlopen("libatfork_plugin.so", RTLD_NOW);
        _exit(1);
    }
    for (int round = 0; round < 200 && !reported(getpid(), "lock-deadlock"); round++)
        poll(NULL, 0, 100);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(WIFSIGNALED(status_of(child)));
    _exit(0);
}
