// Child and leader take turns by what is made for processes to share, and the child waits for each of them.
// EXPECT-NOT: lock-deadlock
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: lock-deadlock
#include "unshared.h"
#include <semaphore.h>

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    pthread_rwlock_t lock;
    pthread_barrier_t barrier;
    sem_t semaphore;
    bool go;
} *shared;

static void child_body(void) {
    CHECK(pthread_mutex_lock(&shared->mutex) == 0);
    while (!shared->go)
        CHECK(pthread_cond_wait(&shared->condition, &shared->mutex) == 0);
    CHECK(pthread_mutex_unlock(&shared->mutex) == 0);
    CHECK(pthread_rwlock_wrlock(&shared->lock) == 0 && pthread_rwlock_unlock(&shared->lock) == 0);
    CHECK(sem_wait(&shared->semaphore) == 0);
    pthread_barrier_wait(&shared->barrier);
}

int main(void) {
    shared = share(sizeof *shared);
    pthread_mutexattr_t mutex;
    pthread_condattr_t condition;
    pthread_rwlockattr_t lock;
    pthread_barrierattr_t barrier;
    CHECK(pthread_mutexattr_init(&mutex) == 0 && pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_condattr_init(&condition) == 0 && pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_rwlockattr_init(&lock) == 0 && pthread_rwlockattr_setpshared(&lock, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_barrierattr_init(&barrier) == 0 && pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutex_init(&shared->mutex, &mutex) == 0 && pthread_cond_init(&shared->condition, &condition) == 0);
    CHECK(pthread_rwlock_init(&shared->lock, &lock) == 0 && pthread_barrier_init(&shared->barrier, &barrier, 2) == 0);
    CHECK(sem_init(&shared->semaphore, 1, 0) == 0);
    CHECK(pthread_mutex_lock(&shared->mutex) == 0 && pthread_rwlock_rdlock(&shared->lock) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        child_body();
        _exit(0);
    }
    until_blocked(child, SYS_futex, &shared->mutex);
    shared->go = true;
    CHECK(pthread_cond_signal(&shared->condition) == 0 && pthread_mutex_unlock(&shared->mutex) == 0);
    brief_pause();
    CHECK(pthread_rwlock_unlock(&shared->lock) == 0);
    until_blocked(child, SYS_futex, &shared->semaphore);
    CHECK(sem_post(&shared->semaphore) == 0);
    pthread_barrier_wait(&shared->barrier);
    EXITED(child, 0);
    return 0;
}
