// A robust mutex in memory that processes share: the leader, which holds it over the fork, releases it, and the child that waits for it goes on.
// EXPECT-NOT: lock-deadlock
// EXPECT-NOT: lock-orphaned
// STDERR-NOT: lock-deadlock
#include "../../process.h"
#include <sys/mman.h>

struct shared {
    pthread_mutex_t mutex;
    int waits;
};

int main(void) {
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;
    CHECK(shared != MAP_FAILED && pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(&shared->mutex, &attributes) == 0 && pthread_mutex_lock(&shared->mutex) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        shared->waits = 1;
        CHECK(pthread_mutex_lock(&shared->mutex) == 0 && pthread_mutex_unlock(&shared->mutex) == 0);
        _exit(0);
    }
    EVENTUALLY(__atomic_load_n(&shared->waits, __ATOMIC_SEQ_CST) == 1);
    for (int i = 0; i < 100; i++)
        brief_pause();
    CHECK(pthread_mutex_unlock(&shared->mutex) == 0);
    EXITED(child, 0);
    return 0;
}
