// pthread_cancel of a thread that is blocked in a cancellation point: it ends there, whatever wraps the call.
#include "driver.h"
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

static sem_t never;
static int silent[2], quiet_sockets[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void unlock(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static void *sleep_long(void *unused) {
    nanosleep(&(struct timespec){.tv_sec = 1000}, NULL);
    return unused;
}

static void in_sem_wait(void) { sem_wait(&never); }
static void in_sem_timedwait(void) {
    struct timespec late = from_now(CLOCK_REALTIME, 1000000);
    sem_timedwait(&never, &late);
}
static void in_cond_wait(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    pthread_cleanup_push(unlock, NULL);
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(0);
}
static void in_cond_timedwait(void) {
    struct timespec late = from_now(CLOCK_REALTIME, 1000000);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    pthread_cleanup_push(unlock, NULL);
    for (;;)
        pthread_cond_timedwait(&condition, &mutex, &late);
    pthread_cleanup_pop(0);
}
static void in_read(void) {
    char byte;
    CHECK(read(silent[0], &byte, 1) == 1);
}
static void in_recv(void) {
    char byte;
    CHECK(recv(quiet_sockets[0], &byte, 1, 0) == 1);
}
static void in_poll(void) { poll(NULL, 0, -1); }
static void in_ppoll(void) { ppoll(NULL, 0, NULL, NULL); }
static void in_select(void) { select(0, NULL, NULL, NULL, NULL); }
static void in_nanosleep(void) { sleep_long(NULL); }
static void in_epoll_wait(void) {
    struct epoll_event event;
    int epoll = epoll_create1(0);
    epoll_wait(epoll, &event, 1, -1);
}
static void in_sigwait(void) {
    sigset_t one;
    int received;
    sigemptyset(&one);
    sigaddset(&one, SIGRTMAX - 8);
    sigwait(&one, &received);
}
static void in_sigsuspend(void) {
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
}
static void in_accept(void) {
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(listener, &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(sa_family_t)) == 0 && listen(listener, 1) == 0);
    accept(listener, NULL, NULL);
}
static void in_waitpid(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        char byte;
        // Ends with the last writer, at the end of the snippet.
        close(silent[1]);
        _exit(read(silent[0], &byte, 1) != 0);
    }
    waitpid(child, NULL, 0);
}

struct blocked {
    void (*call)(void);
    _Atomic pid_t tid;
    bool cleaned;
};

static void clean(void *argument) {
    ((struct blocked *)argument)->cleaned = true;
}

static void *block(void *argument) {
    struct blocked *blocked = argument;
    pthread_cleanup_push(clean, blocked);
    blocked->tid = gettid();
    blocked->call();
    pthread_cleanup_pop(0);
    return NULL;
}

static bool sleeps(pid_t tid) {
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *stream = fopen(path, "re");
    CHECK(stream != NULL && fgets(text, sizeof text, stream));
    fclose(stream);
    return strrchr(text, ')')[2] == 'S';
}

SNIPPET(while_blocked) {
    void (*const calls[])(void) = {in_sem_wait, in_sem_timedwait, in_cond_wait, in_cond_timedwait, in_read, in_recv,
                                   in_poll, in_ppoll, in_select, in_nanosleep, in_epoll_wait, in_sigwait, in_sigsuspend,
                                   in_accept, in_waitpid};
    CHECK(pipe(silent) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, quiet_sockets) == 0);
    CHECK(sem_init(&never, 0, 0) == 0);
    for (size_t index = 0; index < sizeof calls / sizeof *calls; index++) {
        struct blocked blocked = {.call = calls[index]};
        pthread_t thread;
        void *result;
        CHECK(pthread_create(&thread, NULL, block, &blocked) == 0);
        EVENTUALLY(blocked.tid && sleeps(blocked.tid));
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, &result) == 0);
        CHECK(result == PTHREAD_CANCELED && blocked.cleaned);
    }
    CHECK(close(silent[1]) == 0 && close(silent[0]) == 0);
    CHECK(close(quiet_sockets[0]) == 0 && close(quiet_sockets[1]) == 0);
    CHECK(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    CHECK(wait(NULL) > 0);
}

static void *spin(void *unused) {
    CHECK(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
    for (;;)
        __asm__ volatile("" ::: "memory");
    return unused;
}

SNIPPET(while_running) {
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, spin, NULL) == 0);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
}

static void *cancel_itself_before_lock(void *unused) {
    CHECK(pthread_cancel(pthread_self()) == 0);
    // No cancellation points: both happen.
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    pthread_testcancel();
    return unused;
}

SNIPPET(not_in_a_mutex) {
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, cancel_itself_before_lock, NULL) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    CHECK(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
}
