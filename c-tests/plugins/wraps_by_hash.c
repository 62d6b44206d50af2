// Wraps close and fork; its only hash table is the one that every ELF file may have.
// FLAGS: -Wl,--hash-style=sysv
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

int closed, forked;

int close(int number) {
    closed++;
    return ((int (*)(int))dlsym(RTLD_NEXT, "close"))(number);
}

pid_t fork(void) {
    forked++;
    return ((pid_t (*)(void))dlsym(RTLD_NEXT, "fork"))();
}
