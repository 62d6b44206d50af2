// Loaded by loader_race.c.
#include <pthread.h>
#include <stdlib.h>

static void *body(void *unused) {
    return unused;
}

__attribute__((constructor)) static void constructor(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, NULL) || pthread_join(thread, NULL))
        abort();
}
