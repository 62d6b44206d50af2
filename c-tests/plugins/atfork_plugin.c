// Loaded and unloaded by atfork.c: registers handlers through its own pthread_atfork.
#include <pthread.h>
#include <stddef.h>

static void (*note)(char);

void watch_forks(void (*call)(char)) {
    note = call;
}

static void prepare(void) {
    if (note)
        note('x');
}

static void parent(void) {
    if (note)
        note('y');
}

static void child(void) {
    if (note)
        note('z');
}

__attribute__((constructor)) static void constructor(void) {
    pthread_atfork(prepare, parent, child);
}
