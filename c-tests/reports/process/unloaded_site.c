// A connection was made by a library that is unloaded since, and in its place lies another one, which is not reported as its maker.
// GLIBC: 2.35 tells which library lies at an address
// PLUGIN: first_loaded then_loaded
// LIBS: -ldl
// EXPECT-NOT: connection-inherited text~then_loaded
// EXPECT-NOT: connection-inherited text~other_connects
// EXPECT: connection-inherited at~unloaded_site.c:19 count=1
#include "../../sockets.h"
#include <dlfcn.h>

typedef int Connects(struct address *);

int main(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    void *first = dlopen("libfirst_loaded.so", RTLD_NOW);
    CHECK(first != NULL);
    Connects *connects = (Connects *)dlsym(first, "first_connects");
    connects(&address);
    CHECK(dlclose(first) == 0);
    void *then = dlopen("libthen_loaded.so", RTLD_NOW);
    CHECK(then != NULL);
    Dl_info there;
    CHECK(dladdr((void *)connects, &there) != 0 && strstr(there.dli_fname, "then_loaded") != NULL);
    fork_living_child();
    return 0;
}
