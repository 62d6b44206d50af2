// sem_*: counts, errors, waits that a signal ends.
#include "driver.h"
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>

SNIPPET(counts) {
    sem_t semaphore;
    int value;
    KEEPS_ERRNO(sem_init(&semaphore, 0, 2) == 0);
    KEEPS_ERRNO(sem_wait(&semaphore) == 0);
    KEEPS_ERRNO(sem_trywait(&semaphore) == 0);
    FAILS(EAGAIN, sem_trywait(&semaphore));
    KEEPS_ERRNO(sem_post(&semaphore) == 0);
    CHECK(sem_getvalue(&semaphore, &value) == 0 && value == 1);
    KEEPS_ERRNO(sem_destroy(&semaphore) == 0);
    FAILS(EINVAL, sem_init(&semaphore, 0, (unsigned)SEM_VALUE_MAX + 1));
    CHECK(sem_init(&semaphore, 0, SEM_VALUE_MAX) == 0);
    FAILS(EOVERFLOW, sem_post(&semaphore));
    CHECK(sem_destroy(&semaphore) == 0);
}

SNIPPET(deadlines) {
    sem_t semaphore;
    struct timespec soon = from_now(CLOCK_REALTIME, 1), later = from_now(CLOCK_MONOTONIC, 1), bad = {.tv_nsec = 1000000000};
    CHECK(sem_init(&semaphore, 0, 0) == 0);
    FAILS(ETIMEDOUT, sem_timedwait(&semaphore, &soon));
    FAILS(ETIMEDOUT, sem_clockwait(&semaphore, CLOCK_MONOTONIC, &later));
    FAILS(EINVAL, sem_timedwait(&semaphore, &bad));
    FAILS(EINVAL, sem_clockwait(&semaphore, CLOCK_PROCESS_CPUTIME_ID, &later));
    CHECK(sem_post(&semaphore) == 0);
    KEEPS_ERRNO(sem_timedwait(&semaphore, &soon) == 0);
    CHECK(sem_post(&semaphore) == 0);
    KEEPS_ERRNO(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &later) == 0);
    CHECK(sem_destroy(&semaphore) == 0);
}

SAFE_SNIPPET(post_is_signal_safe) {
    static sem_t semaphore;
    CHECK(sem_init(&semaphore, 0, 0) == 0);
    KEEPS_ERRNO(sem_post(&semaphore) == 0);
    CHECK(sem_trywait(&semaphore) == 0);
}

static void *post(void *semaphore) {
    CHECK(sem_post(semaphore) == 0);
    return NULL;
}

// A signal, not a lock: one thread posts what another waits for.
SNIPPET(handed_over) {
    sem_t semaphore;
    pthread_t thread;
    CHECK(sem_init(&semaphore, 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, post, &semaphore) == 0);
    CHECK(sem_wait(&semaphore) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(sem_destroy(&semaphore) == 0);
}

static void do_nothing(int signal_number) {
    (void)signal_number;
}

struct waiter {
    sem_t semaphore;
    pid_t tid;
    int result;
    int error;
    atomic_bool done;
};

static void *wait_interrupted(void *argument) {
    struct waiter *waiter = argument;
    waiter->tid = gettid();
    waiter->result = sem_wait(&waiter->semaphore);
    waiter->error = errno;
    waiter->done = true;
    return NULL;
}

SNIPPET(interrupted) {
    struct waiter waiter = {.result = 1};
    struct sigaction action = {.sa_handler = do_nothing}, old;
    pthread_t thread;
    CHECK(sem_init(&waiter.semaphore, 0, 0) == 0);
    CHECK(sigaction(SIGUSR1, &action, &old) == 0);
    CHECK(pthread_create(&thread, NULL, wait_interrupted, &waiter) == 0);
    while (!waiter.done) {
        CHECK(pthread_kill(thread, SIGUSR1) == 0);
        brief_pause();
    }
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(waiter.result == -1 && waiter.error == EINTR);
    CHECK(sigaction(SIGUSR1, &old, NULL) == 0);
    CHECK(sem_destroy(&waiter.semaphore) == 0);
}

static void child_posts(void *semaphore) {
    CHECK(sem_post(semaphore) == 0);
}

SNIPPET(process_shared) {
    sem_t *semaphore = mmap(NULL, sizeof *semaphore, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(semaphore != MAP_FAILED);
    CHECK(sem_init(semaphore, 1, 0) == 0);
    in_child(child_posts, semaphore);
    CHECK(sem_wait(semaphore) == 0);
    FAILS(EAGAIN, sem_trywait(semaphore));
    CHECK(munmap(semaphore, sizeof *semaphore) == 0);
}

SNIPPET(named) {
    char name[64];
    snprintf(name, sizeof name, "/fixture-%d-%d", getpid(), gettid());
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    CHECK(semaphore != SEM_FAILED);
    CHECK(sem_wait(semaphore) == 0);
    FAILS(EAGAIN, sem_trywait(semaphore));
    CHECK(sem_post(semaphore) == 0);
    CHECK(sem_close(semaphore) == 0);
    CHECK(sem_unlink(name) == 0);
}
