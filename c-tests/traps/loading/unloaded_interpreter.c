// A library that exports what an interpreter does is used, unloaded and loaded again: what a hook found there earlier and calls is mapped
// no more (Apache, which unloads mod_wsgi and mod_php between its two readings of the configuration). Nor is a fixup that
// the library registered and did not take back.
// PLUGIN: comes_and_goes
// LIBS: -ldl
#include "../../check.h"
#include <dlfcn.h>
#include <sys/socket.h>
#include <time.h>

// What makes something is asked for its frames; for a new interpreter not more often than every two milliseconds.
static void make_something(void *unused) {
    (void)unused;
    nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    int socket_number = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(socket_number >= 0 && close(socket_number) == 0);
}

int main(void) {
    for (int round = 0; round < 3; round++) {
        void *library = dlopen("libcomes_and_goes.so", RTLD_NOW | RTLD_LOCAL);
        CHECK(library != NULL);
        void *function = dlsym(library, "zend_is_executing");
        make_something(NULL);
        in_child(make_something, NULL);
        CHECK(dlclose(library) == 0);
        Dl_info info;
        CHECK(dladdr(function, &info) == 0);
        make_something(NULL);
        in_child(make_something, NULL);
    }
    puts("done");
}
