// ENV: FORKGUARD_SAFE_POINT=10000
// ENV: FORKGUARD_SUMMARY=never
// Two threads fork while others take and release locks of every kind as fast as they can, and start threads: no child has an orphan.
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: child cures=[guard=safe-point,action~'waited for']
// EXPECT-NO-EVENT: child cures=[guard=safe-point,failed=110]
#include "../../process.h"
#include <semaphore.h>
#include <threads.h>

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t semaphore;
static mtx_t c11;
static atomic_bool ended;

static void linger(void) {
    for (volatile int i = 0; i < 100; i++)
        ;
}

#define TRAFFIC(name, take, give)           \
    static void *name(void *unused) {       \
        while (!ended) {                    \
            take;                           \
            linger();                       \
            give;                           \
        }                                   \
        return unused;                      \
    }
TRAFFIC(nested, (pthread_mutex_lock(&outer), pthread_mutex_lock(&inner)), (pthread_mutex_unlock(&inner), pthread_mutex_unlock(&outer)))
TRAFFIC(trying, while (pthread_mutex_trylock(&outer) != 0 && !ended), pthread_mutex_unlock(&outer))
TRAFFIC(reading, pthread_rwlock_rdlock(&rwlock), pthread_rwlock_unlock(&rwlock))
TRAFFIC(writing, pthread_rwlock_wrlock(&rwlock), pthread_rwlock_unlock(&rwlock))
TRAFFIC(spinning, pthread_spin_lock(&spin), pthread_spin_unlock(&spin))
TRAFFIC(counting, sem_wait(&semaphore), sem_post(&semaphore))
TRAFFIC(c11_locking, mtx_lock(&c11), mtx_unlock(&c11))

static void *telling_time(void *unused) {
    while (!ended) {
        time_t now = 0;
        struct tm parts;
        localtime_r(&now, &parts);
        setenv("FORKGUARD_TEST_VARIABLE", "value", 1);
    }
    return unused;
}

static void *nothing(void *unused) { return unused; }

static void *starting(void *unused) {
    while (!ended) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
    }
    return unused;
}

static void use_all(void) {
    alarm(20);
    CHECK(pthread_mutex_trylock(&outer) == 0 && pthread_mutex_trylock(&inner) == 0);
    CHECK(pthread_rwlock_trywrlock(&rwlock) == 0 && pthread_spin_trylock(&spin) == 0);
    CHECK(sem_trywait(&semaphore) == 0 && mtx_trylock(&c11) == thrd_success);
    time_t now = 0;
    struct tm parts;
    CHECK(localtime_r(&now, &parts) == &parts && setenv("FORKGUARD_TEST_VARIABLE", "other", 1) == 0);
    alarm(0);
}

static void *forking(void *unused) {
    for (int i = 0; i < 10; i++)
        fork_working_child(use_all);
    return unused;
}

int main(void) {
    CHECK(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE) == 0 && sem_init(&semaphore, 0, 1) == 0);
    CHECK(mtx_init(&c11, mtx_plain) == thrd_success);
    void *(*bodies[])(void *) = {nested, trying, reading, writing, spinning, counting, c11_locking, telling_time, starting, forking};
    enum { COUNT = sizeof bodies / sizeof *bodies };
    pthread_t threads[COUNT];
    for (int i = 0; i < COUNT; i++)
        CHECK(pthread_create(&threads[i], NULL, bodies[i], NULL) == 0);
    forking(NULL);
    CHECK(pthread_join(threads[COUNT - 1], NULL) == 0);
    ended = true;
    for (int i = 0; i < COUNT - 1; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
