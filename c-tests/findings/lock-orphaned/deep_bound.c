// A library that is loaded with RTLD_DEEPBIND starts a thread, and the thread takes a lock.
// PLUGIN: deep_bound
// LIBS: -ldl
// GLIBC: 2.35 has the loader's own list of all libraries, by which their imports are found
// EXPECT: lock-orphaned severity=warning sites=[role=taken,frames.module~deep_bound]
// EXPECT: thread-lost sites=[role=started,frames.module~deep_bound]
#include "../../deep_bound.h"

int main(void) {
    load_deep_bound("libdeep_bound.so", RTLD_NOW).worker();
    fork_living_child();
    return 0;
}
