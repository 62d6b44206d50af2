// A C library whose conditions count their waiters elsewhere: its pthread_cond_init writes there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>

int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes) {
    int (*real)(pthread_cond_t *, const pthread_condattr_t *) = dlvsym(RTLD_NEXT, "pthread_cond_init", "GLIBC_2.3.2");
    int result = real(condition, attributes);
    ((unsigned *)condition)[2] ^= 4;
    return result;
}
