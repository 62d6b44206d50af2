// By its name the library's stand-in: it does what the library must not, allocate in a lock hook and end a child.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void *volatile block;

int pthread_spin_lock(pthread_spinlock_t *lock) {
    int (*next)(pthread_spinlock_t *) = dlsym(RTLD_NEXT, "pthread_spin_lock");
    block = malloc(1);
    return next(lock);
}

static void child(void) {
    _exit(write(2, "forkguard: here\n", 16) != 16);
}

__attribute__((constructor)) static void constructor(void) {
    pthread_atfork(NULL, NULL, child);
}
