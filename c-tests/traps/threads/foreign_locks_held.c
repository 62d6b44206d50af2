// Another thread holds the loader's lock, those of the standard streams, and stays: nothing of the library's waits for one of them, at a fork, in a
// lock, in a child or in a signal handler.
// PLUGIN: endless_constructor
// LIBS: -ldl
// WITHOUT: cure (the child's connection is severed, and it waits for a safe point)
#include "../../forking_work.h"
#include <dlfcn.h>

static void *hold(void *unused) {
    flockfile(stdin);
    flockfile(stdout);
    flockfile(stderr);
    worker_tid = gettid();
    dlopen("libendless_constructor.so", RTLD_NOW);
    return unused;
}

static void handler(int unused) {
    (void)unused;
    work();
}

int main(void) {
    prepare_work(handler);
    start_worker_blocked_in(SYS_pause, hold);
    work();
    CHECK(raise(SIGUSR1) == 0);
    CHECK(write(1, "worked\n", 7) == 7);
    _exit(0);
}
