// A lost thread walks the loaded libraries, and the child loads one: no hook sees what it waits for there, its leader does.
// PLUGIN: atfork_plugin
// EXPECT: lock-deadlock severity=error state=hit subject~worker subject~'in dlopen()' count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-orphaned hit text~dl_iterate_phdr count=1
// EXPECT-NOT: join-lost-thread
// STDERR: lock-deadlock
#include "../../process.h"
#include <dlfcn.h>
#include <link.h>

static int stay_there(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)info, (void)size, (void)unused;
    worker_tid = gettid();
    pause();
    return 1;
}

static void *body(void *unused) {
    dl_iterate_phdr(stay_there, NULL);
    return unused;
}

int main(void) {
    start_worker_blocked_in(SYS_pause, body);
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
