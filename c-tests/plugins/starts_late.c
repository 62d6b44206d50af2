// Preloaded behind the library: a thread of the program begins only once the first thread sleeps, or has ended. Until then it calls nothing
// that the library hooks: it would know the thread as a running one.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct start {
    void *(*function)(void *);
    void *argument;
    char stat[64];
};

static long kernel(long call, long first, long second, long third) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(call), "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
    return result;
}

static bool sleeps_or_has_ended(const char *stat) {
    char text[128] = "";
    int file = (int)kernel(SYS_open, (long)stat, O_RDONLY, 0);
    kernel(SYS_read, file, (long)text, sizeof text - 1);
    kernel(SYS_close, file, 0, 0);
    return strstr(text, ") S") != NULL || strstr(text, ") Z") != NULL;
}

static void *begin_late(void *given) {
    struct start *start = given;
    while (!sleeps_or_has_ended(start->stat))
        kernel(SYS_sched_yield, 0, 0, 0);
    return start->function(start->argument);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument) {
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    struct start *start = malloc(sizeof *start);
    *start = (struct start){.function = function, .argument = argument};
    snprintf(start->stat, sizeof start->stat, "/proc/self/task/%d/stat", (int)getpid());
    return next(thread, attributes, begin_late, start);
}
