// Python is brought up twice in a library that is then unloaded, and loaded again: what makes something between these, in the leader or a
// child, and what resets a handler that its code had set, finds no interpreter, or one that is not the former.
// LIBS: -ldl
// ENV: FORKGUARD_SIGNALS_KEEP=USR1
#include "../../check.h"
#include <dlfcn.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

static const char *const CODE = "import os, signal, socket\n"
                                "signal.signal(signal.SIGUSR1, lambda *_: None)\n"
                                "socket.socket().close()\n"
                                "child = os.fork() or os._exit(0)\n"
                                "assert os.waitpid(child, 0)[1] == 0\n";

// What makes something is asked for its frames; for a new interpreter not more often than every two milliseconds.
static void make_something(void *unused) {
    (void)unused;
    nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    int socket_number = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(socket_number >= 0 && close(socket_number) == 0);
    CHECK(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
}

static void everywhere(void) {
    in_child(make_something, NULL);
    make_something(NULL);
}

static void *load_python(void) {
    for (int minor = 9; minor < 15; minor++) {
        char name[32];
        snprintf(name, sizeof name, "libpython3.%d.so.1.0", minor);
        void *library = dlopen(name, RTLD_NOW | RTLD_GLOBAL);
        if (library)
            return library;
    }
    return NULL;
}

int main(void) {
    for (int round = 0; round < 2; round++) {
        void *library = load_python();
        CHECK(library != NULL);
        void (*initialize)(int) = (void (*)(int))dlsym(library, "Py_InitializeEx");
        int (*run)(const char *) = (int (*)(const char *))dlsym(library, "PyRun_SimpleString");
        int (*finalize)(void) = (int (*)(void))dlsym(library, "Py_FinalizeEx");
        CHECK(initialize && run && finalize);
        for (int life = 0; life < 2; life++) {
            initialize(1);
            CHECK(run(CODE) == 0);
            CHECK(finalize() == 0);
            everywhere();
        }
        CHECK(dlclose(library) == 0);
        Dl_info info;
        CHECK(dladdr((void *)run, &info) == 0);
        everywhere();
    }
    puts("done");
}
