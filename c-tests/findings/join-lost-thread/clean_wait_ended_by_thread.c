// A thread that the child made gives what its main thread waits for: by semaphore, condition, barrier, futex, join.
// EXPECT: thread-lost count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: thread-lost open
#include "../../process.h"
#include <linux/futex.h>
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static atomic_int word;
static bool signalled;
static pid_t waiter;

static void *post(void *unused) {
    until_blocked_in(SYS_futex, waiter);
    CHECK(sem_post(&semaphore) == 0);
    return unused;
}

static void *signal_it(void *unused) {
    until_blocked_in(SYS_futex, waiter);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    signalled = true;
    CHECK(pthread_cond_signal(&condition) == 0 && pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void *arrive(void *unused) {
    until_blocked_in(SYS_futex, waiter);
    pthread_barrier_wait(&barrier);
    return unused;
}

static void *wake(void *unused) {
    until_blocked_in(SYS_futex, waiter);
    word = 1;
    syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
    return unused;
}

static void wait_for_each(void) {
    pthread_t thread;
    waiter = getpid();
    CHECK(sem_init(&semaphore, 0, 0) == 0 && pthread_barrier_init(&barrier, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, post, NULL) == 0);
    CHECK(sem_wait(&semaphore) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, signal_it, NULL) == 0);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    while (!signalled)
        CHECK(pthread_cond_wait(&condition, &mutex) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0 && pthread_join(thread, NULL) == 0 && pthread_cond_destroy(&condition) == 0);
    CHECK(pthread_create(&thread, NULL, arrive, NULL) == 0);
    pthread_barrier_wait(&barrier);
    CHECK(pthread_join(thread, NULL) == 0 && pthread_barrier_destroy(&barrier) == 0);
    CHECK(pthread_create(&thread, NULL, wake, NULL) == 0);
    while (!word)
        syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(void) {
    start_worker(stay_idle);
    fork_working_child(wait_for_each);
    return 0;
}
