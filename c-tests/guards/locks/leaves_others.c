// FORKGUARD_LOCKS=reset touches neither what processes share, nor robust mutexes, nor memory that the child does not have, nor the leader.
// ENV: FORKGUARD_LOCKS=reset
// EXPECT-NOT: lock-deadlock
// EXPECT-EVENT: child cures=[guard=locks,action~robust,failed=95]
#include "../../working_child.h"
#include <semaphore.h>
#include <sys/mman.h>

struct shared {
    pthread_mutex_t mutex;
    pthread_rwlock_t lock;
    sem_t semaphore;
    pthread_spinlock_t spin;
};
static struct shared *shared;
static pthread_mutex_t robust, normal = PTHREAD_MUTEX_INITIALIZER, *absent, *wiped;

static void *page(int flags) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
    CHECK(page != MAP_FAILED);
    return page;
}

static void worker_body(void) {
    pthread_mutexattr_t of_mutex;
    pthread_rwlockattr_t of_lock;
    shared = page(MAP_SHARED), absent = page(MAP_PRIVATE), wiped = page(MAP_PRIVATE);
    CHECK(madvise(absent, 4096, MADV_DONTFORK) == 0 && madvise(wiped, 4096, MADV_WIPEONFORK) == 0);
    CHECK(pthread_mutexattr_init(&of_mutex) == 0 && pthread_rwlockattr_init(&of_lock) == 0);
    CHECK(pthread_mutexattr_setpshared(&of_mutex, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_rwlockattr_setpshared(&of_lock, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutex_init(&shared->mutex, &of_mutex) == 0 && pthread_rwlock_init(&shared->lock, &of_lock) == 0);
    CHECK(sem_init(&shared->semaphore, 1, 1) == 0 && pthread_spin_init(&shared->spin, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutexattr_setpshared(&of_mutex, PTHREAD_PROCESS_PRIVATE) == 0);
    CHECK(pthread_mutexattr_setrobust(&of_mutex, PTHREAD_MUTEX_ROBUST) == 0 && pthread_mutex_init(&robust, &of_mutex) == 0);
    CHECK(pthread_mutex_lock(&shared->mutex) == 0 && pthread_rwlock_wrlock(&shared->lock) == 0);
    CHECK(sem_wait(&shared->semaphore) == 0 && pthread_spin_lock(&shared->spin) == 0);
    CHECK(pthread_mutex_lock(&robust) == 0 && pthread_mutex_lock(&normal) == 0);
    CHECK(pthread_mutex_lock(absent) == 0 && pthread_mutex_lock(wiped) == 0);
}

static void child_body(void) {
    CHECK(pthread_mutex_trylock(&shared->mutex) == EBUSY && pthread_rwlock_tryrdlock(&shared->lock) == EBUSY);
    FAILS(EAGAIN, sem_trywait(&shared->semaphore));
    CHECK(pthread_spin_trylock(&shared->spin) == EBUSY && pthread_mutex_trylock(&robust) == EBUSY);
    CHECK(pthread_mutex_lock(&normal) == 0 && pthread_mutex_lock(wiped) == 0);
    // In the leader they stand as they did.
    unsigned char there = 0;
    CHECK(mincore(absent, 4096, &there) == -1 && errno == ENOMEM);
}
