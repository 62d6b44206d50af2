// The child waits for locks that processes share and that its leader, which lives, holds; and for a condition that the leader signals.
// EXPECT-NOT: lock-orphaned
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"
#include <semaphore.h>
#include <sys/mman.h>

static struct shared {
    pthread_mutex_t mutex, of_condition;
    pthread_rwlock_t rwlock;
    sem_t semaphore;
    pthread_cond_t condition;
    atomic_int step;
    bool signalled;
} *shared;

static void make(void) {
    pthread_mutexattr_t mutex;
    pthread_rwlockattr_t rwlock;
    pthread_condattr_t condition;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    CHECK(pthread_mutexattr_init(&mutex) == 0 && pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_rwlockattr_init(&rwlock) == 0 && pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_condattr_init(&condition) == 0 && pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutex_init(&shared->mutex, &mutex) == 0 && pthread_mutex_init(&shared->of_condition, &mutex) == 0);
    CHECK(pthread_rwlock_init(&shared->rwlock, &rwlock) == 0 && sem_init(&shared->semaphore, 1, 0) == 0);
    CHECK(pthread_cond_init(&shared->condition, &condition) == 0);
}

static void wait_for_all(void) {
    shared->step = 1;
    CHECK(pthread_mutex_lock(&shared->mutex) == 0);
    shared->step = 2;
    CHECK(pthread_rwlock_rdlock(&shared->rwlock) == 0);
    shared->step = 3;
    CHECK(sem_wait(&shared->semaphore) == 0);
    CHECK(pthread_mutex_lock(&shared->of_condition) == 0);
    shared->step = 4;
    while (!shared->signalled)
        CHECK(pthread_cond_wait(&shared->condition, &shared->of_condition) == 0);
    CHECK(pthread_mutex_unlock(&shared->of_condition) == 0);
}

// The child is about to wait, and then does.
static void until_it_waits(pid_t child, int at) {
    EVENTUALLY(shared->step == at);
    until_blocked_in(SYS_futex, child);
}

int main(void) {
    make();
    start_worker(stay_idle);
    CHECK(pthread_mutex_lock(&shared->mutex) == 0 && pthread_rwlock_wrlock(&shared->rwlock) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        wait_for_all();
        live();
    }
    until_it_waits(child, 1);
    CHECK(pthread_mutex_unlock(&shared->mutex) == 0);
    until_it_waits(child, 2);
    CHECK(pthread_rwlock_unlock(&shared->rwlock) == 0);
    until_it_waits(child, 3);
    CHECK(sem_post(&shared->semaphore) == 0);
    until_it_waits(child, 4);
    CHECK(pthread_mutex_lock(&shared->of_condition) == 0);
    shared->signalled = true;
    CHECK(pthread_cond_signal(&shared->condition) == 0 && pthread_mutex_unlock(&shared->of_condition) == 0);
    EXITED(child, 0);
    return 0;
}
