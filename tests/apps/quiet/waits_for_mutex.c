// Preloaded before the library: makes a race of CPython's certain. In a forked child, who is about to wait for the interpreter's lock does so only
// once the thread that gives that lock back waits for the mutex that this wait releases.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

static pid_t leader;

__attribute__((constructor)) static void begin(void) {
    leader = getpid();
}

// Not for long: the other thread may have ended.
static void until_others_wait(pthread_mutex_t *mutex) {
    enum { CONTENDED = 2, SECONDS = 2 };
    time_t end = time(NULL) + SECONDS;
    while (__atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED) != CONTENDED && time(NULL) < end)
        sched_yield();
    // The other one falls asleep.
    usleep(10000);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    if (getpid() != leader)
        until_others_wait(mutex);
    return next(condition, mutex, until);
}
