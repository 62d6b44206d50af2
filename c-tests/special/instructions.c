// Calls on hot paths, each ROUNDS times in a function of its own, so that callgrind counts their instructions: first as the only thread, then
// beside another one, for which the library records.
// FLAGS: -Wl,-z,now
#include "../process.h"
#include <fcntl.h>
#include <semaphore.h>

enum { ROUNDS = 1000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;
static int zero;
static char byte;

// `alone_NAME` and `beside_NAME`. What is there before the first round, is not made in it.
#define MEASURED(name, call) \
    __attribute__((noinline)) static void alone_##name(void) { for (int round = 0; round < ROUNDS; round++) call; } \
    __attribute__((noinline)) static void beside_##name(void) { for (int round = 0; round < ROUNDS; round++) call; }

MEASURED(mutex, (pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex)))
MEASURED(rwlock_read, (pthread_rwlock_rdlock(&rwlock), pthread_rwlock_unlock(&rwlock)))
MEASURED(rwlock_write, (pthread_rwlock_wrlock(&rwlock), pthread_rwlock_unlock(&rwlock)))
MEASURED(semaphore, (sem_wait(&semaphore), sem_post(&semaphore)))
MEASURED(open_close, close(open("/dev/zero", O_RDONLY)))
MEASURED(dup_close, close(dup(zero)))
MEASURED(read, (void)!read(zero, &byte, 1))

#define ALL(prefix) \
    prefix##_mutex(), prefix##_rwlock_read(), prefix##_rwlock_write(), prefix##_semaphore(), prefix##_open_close(), prefix##_dup_close(), \
    prefix##_read()

int main(void) {
    CHECK(sem_init(&semaphore, 0, 1) == 0 && (zero = open("/dev/zero", O_RDONLY)) >= 0);
    ALL(alone);
    start_worker(stay_idle);
    ALL(beside);
    return 0;
}
