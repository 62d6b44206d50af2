// A process-shared mutex and semaphore that another process holds are no orphans: that process can release them.
// EXPECT-NOT: lock-orphaned
#include "../../living_child.h"
#include <semaphore.h>
#include <sys/mman.h>

static struct shared {
    pthread_mutex_t mutex;
    sem_t semaphore;
    atomic_bool held;
} *shared;

static void worker_body(void) {
    CHECK(pthread_mutex_trylock(&shared->mutex) == EBUSY);
    FAILS(EAGAIN, sem_trywait(&shared->semaphore));
}

// The holder is made before the program has any other thread, by a way that reports no child.
__attribute__((constructor)) static void hold_elsewhere(void) {
    pthread_mutexattr_t attributes;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    CHECK(pthread_mutexattr_init(&attributes) == 0 && pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutex_init(&shared->mutex, &attributes) == 0 && sem_init(&shared->semaphore, 1, 1) == 0);
    pid_t parent = getpid(), holder = _Fork();
    CHECK(holder >= 0);
    if (holder == 0) {
        CHECK(pthread_mutex_lock(&shared->mutex) == 0 && sem_wait(&shared->semaphore) == 0);
        shared->held = true;
        while (getppid() == parent)
            brief_pause();
        _exit(0);
    }
    EVENTUALLY(shared->held);
}
