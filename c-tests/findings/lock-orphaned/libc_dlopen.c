// A thread inside dlopen: the library's constructor does not end, the loader's lock is held. Nothing of ours may ask the loader now.
// PLUGIN: endless_constructor
// EXPECT: lock-orphaned severity=warning subject~worker text~dlopen
// EXPECT-EVENT: fork locks=[kind=libc,name~dlopen,holder_name=worker]
#include "../../process.h"
#include <dlfcn.h>

static void *body(void *unused) {
    worker_tid = gettid();
    dlopen("libendless_constructor.so", RTLD_NOW);
    return unused;
}

int main(void) {
    start_worker_blocked_in(SYS_pause, body);
    fork_living_child();
    // exit would wait for the loader's lock.
    _exit(0);
}
