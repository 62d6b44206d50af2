// A store whose thread frees memory in the background: the mutex of its counter is static.
#include "prefork.h"

static pthread_mutex_t used_lock = PTHREAD_MUTEX_INITIALIZER;
static long used;

static void free_later(void) {
    pthread_mutex_lock(&used_lock); // # thread
    used -= 64;
    pthread_mutex_unlock(&used_lock);
}

static void write_snapshot(void) {
    pthread_mutex_lock(&used_lock); // # worker
    used += 64;
    pthread_mutex_unlock(&used_lock);
}

static void lock_for_fork(void) {
    pthread_mutex_lock(&used_lock);
}

static void unlock_after_fork(void) {
    pthread_mutex_unlock(&used_lock);
}

int main(int count, char **arguments) {
    (void)arguments;
    if (count > 1) {
        CHECK(pthread_atfork(lock_for_fork, unlock_after_fork, unlock_after_fork) == 0);
    }
    work_beside("free-later", free_later);
    return fork_worker(write_snapshot);
}
