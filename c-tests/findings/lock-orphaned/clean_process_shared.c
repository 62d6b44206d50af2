// Locks that processes share and another thread holds: its holder is still there to give them to the child.
// EXPECT-NOT: lock-orphaned
#include "../../process.h"
#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>

static struct shared {
    pthread_mutex_t mutex;
    pthread_rwlock_t written, read;
    sem_t semaphore;
} *shared;
static sem_t *named;
static atomic_bool forked;

static void *hold_while_forked(void *unused) {
    CHECK(pthread_mutex_lock(&shared->mutex) == 0);
    CHECK(pthread_rwlock_wrlock(&shared->written) == 0 && pthread_rwlock_rdlock(&shared->read) == 0);
    CHECK(sem_wait(&shared->semaphore) == 0 && sem_wait(named) == 0);
    in_place = true;
    EVENTUALLY(forked);
    CHECK(sem_post(named) == 0 && sem_post(&shared->semaphore) == 0);
    CHECK(pthread_rwlock_unlock(&shared->read) == 0 && pthread_rwlock_unlock(&shared->written) == 0);
    CHECK(pthread_mutex_unlock(&shared->mutex) == 0);
    return unused;
}

static void make(void) {
    pthread_mutexattr_t mutex;
    pthread_rwlockattr_t rwlock;
    char name[64];
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    CHECK(pthread_mutexattr_init(&mutex) == 0 && pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_rwlockattr_init(&rwlock) == 0 && pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutex_init(&shared->mutex, &mutex) == 0 && sem_init(&shared->semaphore, 1, 1) == 0);
    CHECK(pthread_rwlock_init(&shared->written, &rwlock) == 0 && pthread_rwlock_init(&shared->read, &rwlock) == 0);
    snprintf(name, sizeof name, "/forkguard-%d", getpid());
    CHECK((named = sem_open(name, O_CREAT | O_EXCL, 0600, 1)) != SEM_FAILED && sem_unlink(name) == 0);
}

int main(void) {
    make();
    pthread_t thread = start_worker(hold_while_forked);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(pthread_mutex_lock(&shared->mutex) == 0);
        CHECK(pthread_rwlock_wrlock(&shared->written) == 0 && pthread_rwlock_wrlock(&shared->read) == 0);
        CHECK(sem_wait(&shared->semaphore) == 0 && sem_wait(named) == 0);
        _exit(0);
    }
    forked = true;
    EXITED(child, 0);
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
