// Mutexes in memory that processes share, with and without the attribute for it: a child that is forked while one is held changes nothing.
#include "../../check.h"
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>

static struct shared {
    pthread_mutex_t mutex;
    pthread_rwlock_t lock;
    sem_t semaphore;
    pthread_spinlock_t spin;
} *shared;
static atomic_bool held, done;

static void make(int type, int pshared) {
    pthread_mutexattr_t attributes;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    CHECK(pthread_mutexattr_init(&attributes) == 0 && pthread_mutexattr_settype(&attributes, type) == 0);
    CHECK(pthread_mutexattr_setpshared(&attributes, pshared) == 0 && pthread_mutex_init(&shared->mutex, &attributes) == 0);
    CHECK(pthread_rwlock_init(&shared->lock, NULL) == 0 && sem_init(&shared->semaphore, pshared, 1) == 0);
    CHECK(pthread_spin_init(&shared->spin, pshared) == 0);
}

static void nothing(void *unused) {
    (void)unused;
}

static void held_by_the_forking_thread(int type, int pshared) {
    make(type, pshared);
    CHECK(pthread_mutex_lock(&shared->mutex) == 0);
    in_child(nothing, NULL);
    CHECK(pthread_mutex_unlock(&shared->mutex) == 0);
}

static void *hold(void *unused) {
    CHECK(pthread_mutex_lock(&shared->mutex) == 0 && pthread_rwlock_wrlock(&shared->lock) == 0);
    CHECK(sem_wait(&shared->semaphore) == 0 && pthread_spin_lock(&shared->spin) == 0);
    held = true;
    EVENTUALLY(done);
    CHECK(pthread_spin_unlock(&shared->spin) == 0 && sem_post(&shared->semaphore) == 0);
    CHECK(pthread_rwlock_unlock(&shared->lock) == 0 && pthread_mutex_unlock(&shared->mutex) == 0);
    return unused;
}

static void held_by_another_thread(int type, int pshared) {
    pthread_t thread;
    make(type, pshared);
    held = done = false;
    CHECK(pthread_create(&thread, NULL, hold, NULL) == 0);
    EVENTUALLY(held);
    in_child(nothing, NULL);
    CHECK(pthread_mutex_trylock(&shared->mutex) == EBUSY && pthread_rwlock_tryrdlock(&shared->lock) == EBUSY);
    FAILS(EAGAIN, sem_trywait(&shared->semaphore));
    CHECK(pthread_spin_trylock(&shared->spin) == EBUSY);
    done = true;
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(void) {
    const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};
    for (int pshared = 0; pshared < 2; pshared++)
        for (int type = 0; type < 3; type++) {
            held_by_the_forking_thread(types[type], pshared);
            held_by_another_thread(types[type], pshared);
        }
    return 0;
}
