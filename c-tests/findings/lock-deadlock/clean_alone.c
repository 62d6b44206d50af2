// The only thread of a child waits for what it gets: what it held itself, what its handler, its own new thread or its leader gives.
// EXPECT-NOT: lock-deadlock
// EXPECT-NOT: lock-orphaned
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"
#include <semaphore.h>
#include <sys/mman.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER, read_held = PTHREAD_RWLOCK_INITIALIZER;
static sem_t by_handler, by_thread;
static sem_t *shared;
static bool done;

static void handle(int signal_number) {
    (void)signal_number;
    sem_post(&by_handler);
}

static void *help(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    done = true;
    CHECK(pthread_cond_signal(&condition) == 0 && pthread_mutex_unlock(&mutex) == 0);
    CHECK(sem_post(&by_thread) == 0);
    return unused;
}

static void own_locks(void) {
    CHECK(pthread_mutex_unlock(&mutex) == 0 && pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_rwlock_unlock(&read_held) == 0 && pthread_rwlock_wrlock(&read_held) == 0 && pthread_rwlock_unlock(&read_held) == 0);
    CHECK(pthread_rwlock_wrlock(&lock) == 0 && pthread_rwlock_unlock(&lock) == 0);
    pid_t grandchild = fork();
    CHECK(grandchild >= 0);
    if (grandchild == 0)
        _exit(pthread_rwlock_wrlock(&lock) || pthread_rwlock_unlock(&lock));
    EXITED(grandchild, 0);
}

static void child_body(void) {
    own_locks();
    while (sem_wait(&by_handler) != 0)
        CHECK(errno == EINTR);
    CHECK(signal(SIGTERM, SIG_DFL) != SIG_ERR);
    CHECK(sem_wait(shared) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, help, NULL) == 0);
    while (!done)
        CHECK(pthread_cond_wait(&condition, &mutex) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0 && sem_wait(&by_thread) == 0 && pthread_join(thread, NULL) == 0);
}

int main(void) {
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    CHECK(sem_init(shared, 1, 0) == 0);
    CHECK(sem_init(&by_handler, 0, 0) == 0 && sem_init(&by_thread, 0, 0) == 0);
    CHECK(signal(SIGTERM, handle) != SIG_ERR);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_rwlock_rdlock(&read_held) == 0);
    CHECK(pthread_rwlock_wrlock(&lock) == 0 && pthread_rwlock_unlock(&lock) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        child_body();
        _exit(0);
    }
    until_blocked(child, SYS_futex, &by_handler);
    CHECK(kill(child, SIGTERM) == 0);
    until_blocked(child, SYS_futex, shared);
    CHECK(sem_post(shared) == 0);
    EXITED(child, 0);
    return 0;
}
