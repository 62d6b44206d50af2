// A process with a thread that holds locks, a connection, an epoll instance and a handler; and work that meets all of it: lock hooks, descriptors,
// and a fork whose child hits what it inherited, settles and forks itself.
#pragma once
#include "sockets.h"
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, orphan = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER, orphan_rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t semaphore, orphan_semaphore;
static int connection, epoll;

static void *hold_all(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&orphan) == 0 && pthread_rwlock_wrlock(&orphan_rwlock) == 0 && sem_wait(&orphan_semaphore) == 0);
    stay();
}

static void lock_and_release(void) {
    struct timespec now = from_now(CLOCK_REALTIME, 0);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_cond_timedwait(&condition, &mutex, &now) == ETIMEDOUT);
    CHECK(pthread_cond_signal(&condition) == 0 && pthread_mutex_unlock(&mutex) == 0);
    CHECK(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    CHECK(pthread_rwlock_rdlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    CHECK(pthread_rwlock_wrlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    CHECK(pthread_spin_lock(&spin) == 0 && pthread_spin_unlock(&spin) == 0);
    CHECK(sem_wait(&semaphore) == 0 && sem_post(&semaphore) == 0);
}

static void open_and_close(void) {
    int pipe_ends[2], fd = open("/dev/null", O_RDWR | O_CLOEXEC), copy = dup(fd);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK(fd >= 0 && copy >= 0 && pipe(pipe_ends) == 0);
    event.data.fd = pipe_ends[0];
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_ends[0], &event) == 0 && epoll_wait(epoll, &event, 1, 0) == 0);
    CHECK(write(pipe_ends[1], "", 1) == 1 && read(pipe_ends[0], &(char){0}, 1) == 1);
    CHECK(close(pipe_ends[0]) == 0 && close(pipe_ends[1]) == 0 && close(copy) == 0 && dup2(fd, fd) == fd && close(fd) == 0);
}

// Hits what it inherited, settles, and forks itself.
static void child(void) {
    struct timespec soon = from_now(CLOCK_REALTIME, 1);
    char byte = 0;
    lock_and_release();
    open_and_close();
    // Under `cure` it is severed.
    CHECK(write(connection, &byte, 1) == 1 || errno == EPIPE);
    CHECK(pthread_mutex_trylock(&orphan) == EBUSY || pthread_mutex_unlock(&orphan) == 0);
    int result = pthread_mutex_timedlock(&orphan, &soon);
    CHECK(result == ETIMEDOUT || result == 0);
    settle();
    pid_t grandchild = fork();
    CHECK(grandchild >= 0);
    if (grandchild == 0) {
        settle();
        _exit(0);
    }
    EXITED(grandchild, 0);
    _exit(0);
}

// All of it is async-signal-safe but the locks, which nothing that is interrupted here holds.
static void work(void) {
    lock_and_release();
    open_and_close();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        child();
    EXITED(pid, 0);
}

static void prepare_work(void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_sp = malloc(64 << 10), .ss_size = 64 << 10};
    struct address address = v4_loopback();
    CHECK(pthread_spin_init(&spin, 0) == 0 && sem_init(&semaphore, 0, 1) == 0 && sem_init(&orphan_semaphore, 0, 1) == 0);
    CHECK(listen_at(&address) >= 0 && (connection = connect_to(&address)) >= 0 && (epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && sigaltstack(&stack, NULL) == 0);
    start_worker(hold_all);
}
