// A thread that is cancelled in a call that it waits in: its handlers run, and nothing else ends.
#include "../../process.h"
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char place[] = "/tmp/cancelled.XXXXXX", fifo[64], path[64];
static struct sockaddr_un full = {.sun_family = AF_UNIX};
static int listener, pair[2], file, other_file, instance;
static pid_t child;
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_t idle;
static bool handled;

static struct timespec later(void) {
    return from_now(CLOCK_REALTIME, 60000);
}
static sigset_t usr1(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return set;
}
static void connects(void) {
    int own = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect(own, (struct sockaddr *)&full, sizeof full);
}
static void accepts(void) { accept(listener, NULL, NULL); }
static void accepts4(void) { accept4(listener, NULL, NULL, SOCK_CLOEXEC); }
static void opens(void) { open(fifo, O_RDONLY | O_CLOEXEC); }
static void reads(void) { CHECK(read(pair[0], &(char){0}, 1) == 1); }
static void receives(void) { recv(pair[0], &(char){0}, 1, 0); }
static void polls(void) { poll(&(struct pollfd){.fd = pair[0], .events = POLLIN}, 1, 60000); }
static void waits_for_events(void) { epoll_wait(instance, &(struct epoll_event){0}, 1, 60000); }
static void locks_file(void) { fcntl(file, F_OFD_SETLKW, &(struct flock){.l_type = F_WRLCK}); }
static void waits_for_child(void) { waitpid(child, &(int){0}, 0); }
static void waits_for_signal(void) {
    sigset_t set = usr1();
    sigwaitinfo(&set, NULL);
}
static void suspends(void) {
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
}
static void sleeps(void) { clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){60, 0}, NULL); }
static void waits(void) { sem_wait(&semaphore); }
static void waits_until(void) {
    struct timespec end = later();
    sem_timedwait(&semaphore, &end);
}
static void unlock(void *unused) {
    (void)unused;
    pthread_mutex_unlock(&mutex);
}
static void waits_for_condition(void) {
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, NULL);
    pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(1);
}
static void joins(void) { pthread_join(idle, NULL); }

static const struct {
    const char *name;
    void (*call)(void);
    long number;
} calls[] = {
    {"connect", connects, SYS_connect},
    {"accept", accepts, SYS_accept},
    {"accept4", accepts4, SYS_accept4},
    {"open", opens, SYS_openat},
    {"read", reads, SYS_read},
    {"recv", receives, SYS_recvfrom},
    {"poll", polls, SYS_poll},
    {"epoll_wait", waits_for_events, SYS_epoll_wait},
    {"fcntl", locks_file, SYS_fcntl},
    {"waitpid", waits_for_child, SYS_wait4},
    {"sigwaitinfo", waits_for_signal, SYS_rt_sigtimedwait},
    {"sigsuspend", suspends, SYS_rt_sigsuspend},
    {"clock_nanosleep", sleeps, SYS_clock_nanosleep},
    {"sem_wait", waits, SYS_futex},
    {"sem_timedwait", waits_until, SYS_futex},
    {"pthread_cond_wait", waits_for_condition, SYS_futex},
    {"pthread_join", joins, SYS_futex},
};
enum { CALLS = sizeof calls / sizeof *calls };

static void handle(void *unused) {
    (void)unused;
    handled = true;
}
static void *call(void *index) {
    worker_tid = gettid();
    pthread_cleanup_push(handle, NULL);
    calls[(intptr_t)index].call();
    pthread_cleanup_pop(0);
    return NULL;
}

static void prepare(void) {
    CHECK(mkdtemp(place) != NULL);
    snprintf(fifo, sizeof fifo, "%s/fifo", place);
    CHECK(mkfifo(fifo, 0600) == 0);
    snprintf(path, sizeof path, "%s/file", place);
    CHECK((file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) >= 0);
    CHECK((other_file = open(path, O_RDWR | O_CLOEXEC)) >= 0);
    CHECK(fcntl(other_file, F_OFD_SETLK, &(struct flock){.l_type = F_WRLCK}) == 0);
    // Its queue is full: a connect to it waits.
    snprintf(full.sun_path, sizeof full.sun_path, "%s/full", place);
    int queue = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(queue, (struct sockaddr *)&full, sizeof full) == 0 && listen(queue, 0) == 0);
    CHECK(connect(first, (struct sockaddr *)&full, sizeof full) == 0);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(listen(listener, 1) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK((instance = epoll_create1(EPOLL_CLOEXEC)) >= 0 && sem_init(&semaphore, 0, 0) == 0);
    CHECK(pthread_create(&idle, NULL, stay_idle, NULL) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0)
        for (;;)
            pause();
}

static void clean_up(void) {
    CHECK(kill(child, SIGKILL) == 0);
    status_of(child);
    CHECK(unlink(fifo) == 0 && unlink(path) == 0 && unlink(full.sun_path) == 0 && rmdir(place) == 0);
}

int main(void) {
    prepare();
    for (intptr_t index = 0; index < CALLS; index++) {
        pthread_t thread;
        void *result;
        step = calls[index].name;
        worker_tid = 0;
        handled = false;
        CHECK(pthread_create(&thread, NULL, call, (void *)index) == 0);
        EVENTUALLY(worker_tid);
        until_blocked_in(calls[index].number, worker_tid);
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED && handled);
        printf("%s\n", calls[index].name);
    }
    clean_up();
    return 0;
}
