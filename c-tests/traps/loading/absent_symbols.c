// What is in no library that this program loads (glibc links some of it statically): a preload library must not lend it a symbol.
// REPORT: none (it makes no process)
// LIBS: -ldl
#include "../../check.h"
#include <dlfcn.h>

int main(void) {
    const char *names[] = {"atexit", "at_quick_exit", "pthread_atfork", "__stack_chk_fail_local", "rust_eh_personality",
                           "GOMP_parallel"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        printf("%s: %s\n", names[index], dlsym(RTLD_DEFAULT, names[index]) ? "there" : "absent");
    return 0;
}
