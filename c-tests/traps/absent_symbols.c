// What glibc links statically into programs has no dynamic symbol: a preload library must not lend them one.
// REPORT: none (it makes no process)
// LIBS: -ldl
#include "../check.h"
#include <dlfcn.h>

int main(void) {
    const char *names[] = {"atexit", "at_quick_exit", "pthread_atfork", "__stack_chk_fail_local", "rust_eh_personality"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        printf("%s: %s\n", names[index], dlsym(RTLD_DEFAULT, names[index]) ? "there" : "absent");
    return 0;
}
