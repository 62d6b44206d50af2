// A function that is looked up in the C library alone, as ctypes and Fiddle do, is the hook: what it makes is recorded. Who has the name itself interposes it,
// and asks for what comes after it: the C library's. What glibc does not have is not found there.
// EXPECT: epoll-inherited severity=info subject~inotify count=1
// EXPECT: epoll-inherited sites=[role=opened,frames.module~PROGRAM]
// EXPECT-NO-EVENT: finding severity=error
// LIBS: -ldl
#define _GNU_SOURCE
#include "../../process.h"
#include <dlfcn.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>

static void *c_library;

// The program's own.
__attribute__((visibility("default"))) int socket(int domain, int type, int protocol) {
    int (*real)(int, int, int) = (int (*)(int, int, int))dlsym(c_library, "socket");
    return real == NULL || real == (void *)socket ? -1 : real(domain, type, protocol);
}

int main(void) {
    c_library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    CHECK(c_library != NULL);
    int (*make)(int) = (int (*)(int))dlsym(c_library, "inotify_init1");
    CHECK(make != NULL);
    CHECK(make(IN_CLOEXEC) >= 0);
    Dl_info socket_in;
    CHECK(dladdr(dlsym(c_library, "socket"), &socket_in) != 0 && strstr(socket_in.dli_fname, "libc") != NULL);
    CHECK(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
    CHECK(dlsym(c_library, "strlen") != NULL && dlsym(c_library, "no_such_function_of_anybody") == NULL);
    CHECK(dlsym(c_library, "forkguard_mark_thread_restartable") == NULL && dlerror() != NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    return 0;
}
