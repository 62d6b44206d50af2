// A thread that no hook saw is found in the kernel's list.
// EXPECT: thread-lost severity=warning
// EXPECT-EVENT: fork counts.threads=2 threads=[recorded=false,forking=false]
#include "../../process.h"
#include <sched.h>

static char stack[65536] __attribute__((aligned(16)));

// It shares main's thread-local storage: nothing of libc may run here.
static int body(void *unused) {
    while (unused == NULL)
        __asm__ volatile("syscall" : : "a"(SYS_pause) : "rcx", "r11", "memory");
    return 0;
}

int main(void) {
    CHECK(clone(body, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
                NULL) > 0);
    fork_living_child();
    return 0;
}
