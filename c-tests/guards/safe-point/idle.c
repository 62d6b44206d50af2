// ENV: FORKGUARD_SAFE_POINT=10000
// Nobody waits for threads that wait: for work (a condition, a semaphore that others post), or for a lock of the forking thread's.
// EXPECT-EVENT: child cures_unlisted=0
// EXPECT-NO-EVENT: child cures=[guard=safe-point]
#include "../../process.h"
#include <semaphore.h>

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER, of_main = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t written_by_main = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t work;
static bool done;

static void *wait_for_condition(void *unused) {
    CHECK(pthread_mutex_lock(&guard) == 0);
    worker_tid = syscall(SYS_gettid);
    while (!done)
        CHECK(pthread_cond_wait(&condition, &guard) == 0);
    CHECK(pthread_mutex_unlock(&guard) == 0);
    return unused;
}

static void *wait_for_work(void *unused) {
    // The first is there, and this thread posts none.
    CHECK(sem_wait(&work) == 0);
    worker_tid = syscall(SYS_gettid);
    CHECK(sem_wait(&work) == 0);
    return unused;
}

static void *wait_for_main(void *unused) {
    worker_tid = syscall(SYS_gettid);
    CHECK(pthread_mutex_lock(&of_main) == 0 && pthread_mutex_unlock(&of_main) == 0);
    return unused;
}

static void *read_after_main(void *unused) {
    worker_tid = syscall(SYS_gettid);
    CHECK(pthread_rwlock_rdlock(&written_by_main) == 0 && pthread_rwlock_unlock(&written_by_main) == 0);
    return unused;
}

static pthread_t waiting(void *(*body)(void *)) {
    worker_tid = 0;
    return start_worker_blocked_in(SYS_futex, body);
}

int main(void) {
    CHECK(sem_init(&work, 0, 0) == 0 && sem_post(&work) == 0);
    CHECK(pthread_mutex_lock(&of_main) == 0 && pthread_rwlock_wrlock(&written_by_main) == 0);
    pthread_t all[] = {waiting(wait_for_condition), waiting(wait_for_work), waiting(wait_for_main), waiting(read_after_main)};
    fork_living_child();
    CHECK(pthread_mutex_unlock(&of_main) == 0 && pthread_rwlock_unlock(&written_by_main) == 0 && sem_post(&work) == 0);
    CHECK(pthread_mutex_lock(&guard) == 0);
    done = true;
    CHECK(pthread_cond_signal(&condition) == 0 && pthread_mutex_unlock(&guard) == 0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        CHECK(pthread_join(all[i], NULL) == 0);
    return 0;
}
