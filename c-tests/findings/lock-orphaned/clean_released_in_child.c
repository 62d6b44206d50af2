// Locks that the forking thread holds across the fork and both processes release: nothing of them is left in a fork of the child.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: fork kind=fork count=2
#include "../../process.h"
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t semaphore;

static void *fork_from_here(void *unused) {
    fork_living_child();
    return unused;
}

int main(void) {
    CHECK(pthread_spin_init(&spin, 0) == 0 && sem_init(&semaphore, 0, 1) == 0);
    start_worker(stay_idle);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_rwlock_rdlock(&rwlock) == 0);
    CHECK(pthread_spin_lock(&spin) == 0 && sem_wait(&semaphore) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    CHECK(sem_post(&semaphore) == 0 && pthread_spin_unlock(&spin) == 0);
    CHECK(pthread_rwlock_unlock(&rwlock) == 0 && pthread_mutex_unlock(&mutex) == 0);
    if (child == 0) {
        in_thread(fork_from_here, NULL);
        _exit(0);
    }
    EXITED(child, 0);
    return 0;
}
