// Loaded by atfork_stuck.c and clean_atfork_lock.c: a library whose child handler makes its state anew under its lock.
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// Then the lock is held across the fork, so that no thread is lost with it.
atomic_bool careful, preparing;

static void prepare(void) {
    preparing = 1;
    if (careful)
        pthread_mutex_lock(&lock);
}

static void parent(void) {
    if (careful)
        pthread_mutex_unlock(&lock);
}

static void child(void) {
    if (!careful)
        pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void constructor(void) {
    pthread_atfork(prepare, parent, child);
}
