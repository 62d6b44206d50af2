// Libraries that are loaded with RTLD_DEEPBIND look for the C library's functions past the preloaded library: what they connect and send is
// seen all the same, whether their imports are resolved at once or by the first call, and through a table of pointers.
// PLUGIN: deep_bound deep_bound_lazily
// LIBS: -ldl
// GLIBC: 2.35 has the loader's own list of all libraries, by which their imports are found
// EXPECT: connection-inherited severity=info count=4
// EXPECT: connection-inherited sites=[role=opened,frames.module~deep_bound] count=4
// EXPECT: connection-shared-use severity=error sites=[role=used,frames.module~deep_bound] count=4
#include "../../deep_bound.h"

static void try_one(struct deep_bound plugin, ssize_t (*send)(int, const void *, size_t)) {
    struct address address = v4_loopback();
    int listener = listen_at(&address), fd = plugin.connect(&address), peer = accept(listener, NULL, NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(send(fd, "question", 8) == 8);
        _exit(0);
    }
    EXITED(child, 0);
    CHECK(close(fd) == 0 && close(peer) == 0 && close(listener) == 0);
}

int main(void) {
    struct deep_bound now = load_deep_bound("libdeep_bound.so", RTLD_NOW), lazy = load_deep_bound("libdeep_bound_lazily.so", RTLD_LAZY);
    try_one(now, now.send);
    try_one(now, now.send_by_table);
    try_one(lazy, lazy.send);
    try_one(lazy, lazy.send_by_table);
    return 0;
}
