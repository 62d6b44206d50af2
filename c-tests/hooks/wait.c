// The calls a worker waits for work in, and what they wait for: epoll_ctl, epoll_wait, poll, ppoll, select, pselect, nanosleep, read, recv, wait.
// WITHOUT: cure (an epoll instance that leader and child share becomes the child's own)
#include "driver.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>

static void wait_for(int fd, int ready) {
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    struct timespec now = {0};
    fd_set set;
    KEEPS_ERRNO(poll(&watched, 1, 0) == ready);
    CHECK(watched.revents == (ready ? POLLIN : 0));
    KEEPS_ERRNO(ppoll(&watched, 1, &now, NULL) == ready);
    FD_ZERO(&set);
    FD_SET(fd, &set);
    KEEPS_ERRNO(select(fd + 1, &set, NULL, NULL, &(struct timeval){0}) == ready);
    CHECK(!!FD_ISSET(fd, &set) == ready);
    FD_SET(fd, &set);
    KEEPS_ERRNO(pselect(fd + 1, &set, NULL, NULL, &now, NULL) == ready);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77};
    int epoll = epoll_create1(0);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
    FAILS(EEXIST, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    event.data.u64 = 0;
    KEEPS_ERRNO(epoll_wait(epoll, &event, 1, 0) == ready);
    CHECK(event.data.u64 == (ready ? 77 : 0));
    CHECK(epoll_pwait(epoll, &event, 1, 0, NULL) == ready);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) == 0);
    CHECK(close(epoll) == 0);
}

SAFE_SNIPPET(ready_or_not) {
    int fd = eventfd(0, EFD_NONBLOCK);
    uint64_t value = 1;
    wait_for(fd, 0);
    FAILS(EAGAIN, read(fd, &value, sizeof value));
    CHECK(write(fd, &value, sizeof value) == sizeof value);
    wait_for(fd, 1);
    KEEPS_ERRNO(read(fd, &value, sizeof value) == sizeof value);
    CHECK(close(fd) == 0);
}

SAFE_SNIPPET(members_of_epoll) {
    struct epoll_event once = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = 1}, again = {.events = EPOLLIN | EPOLLET, .data.u64 = 2}, seen;
    int epoll = epoll_create1(0), fd = eventfd(1, 0), file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    KEEPS_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &once) == 0);
    CHECK(epoll_wait(epoll, &seen, 1, 0) == 1 && seen.data.u64 == 1 && epoll_wait(epoll, &seen, 1, 0) == 0);
    KEEPS_ERRNO(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &again) == 0);
    CHECK(epoll_pwait2(epoll, &seen, 1, &(struct timespec){0}, NULL) == 1 && seen.data.u64 == 2);
    FAILS(EEXIST, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &again));
    FAILS(EPERM, epoll_ctl(epoll, EPOLL_CTL_ADD, file, &again));
    FAILS(EINVAL, epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &again));
    FAILS(EINVAL, epoll_ctl(fd, EPOLL_CTL_ADD, epoll, &again));
    FAILS(EINVAL, epoll_ctl(epoll, 77, fd, &again));
    KEEPS_ERRNO(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) == 0);
    FAILS(ENOENT, epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL));
    FAILS(ENOENT, epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &again));
    FAILS(EINVAL, epoll_wait(epoll, &seen, 0, 0));
    CHECK(close(epoll) == 0 && close(fd) == 0 && close(file) == 0);
}

struct shared_epoll {
    int epoll;
    int fd;
};

static void child_adds(void *argument) {
    struct shared_epoll *shared = argument;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 3};
    CHECK(epoll_wait(shared->epoll, &event, 1, 0) == 0);
    event = (struct epoll_event){.events = EPOLLIN, .data.u64 = 3};
    CHECK(epoll_ctl(shared->epoll, EPOLL_CTL_ADD, shared->fd, &event) == 0);
}

// What a child does to its leader's instance is done: nothing is taken from it.
SNIPPET(epoll_shared_with_a_child) {
    struct shared_epoll shared = {epoll_create1(0), eventfd(1, 0)};
    struct epoll_event event;
    in_child(child_adds, &shared);
    CHECK(epoll_wait(shared.epoll, &event, 1, 0) == 1 && event.data.u64 == 3);
    CHECK(close(shared.epoll) == 0 && close(shared.fd) == 0);
}

static pid_t child_that_exits(int status) {
    pid_t child = fork();
    if (child == 0)
        _exit(status);
    CHECK(child > 0);
    return child;
}

SNIPPET(children_that_end) {
    struct rusage usage;
    siginfo_t end = {0};
    int status = 0;
    pid_t child = child_that_exits(3);
    KEEPS_ERRNO(wait(&status) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    child = child_that_exits(4);
    KEEPS_ERRNO(wait3(&status, 0, &usage) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 4);
    child = child_that_exits(5);
    KEEPS_ERRNO(waitid(P_ALL, 0, &end, WEXITED) == 0);
    CHECK(end.si_pid == child && end.si_code == CLD_EXITED && end.si_status == 5);
    child = child_that_exits(6);
    KEEPS_ERRNO(waitid(P_PID, (id_t)child, &end, WEXITED) == 0);
    CHECK(end.si_pid == child && end.si_status == 6);
    FAILS(ECHILD, wait(&status));
    FAILS(ECHILD, wait3(&status, WNOHANG, NULL));
    FAILS(ECHILD, waitid(P_ALL, 0, &end, WEXITED));
    FAILS(EINVAL, waitid(P_ALL, 0, &end, 0));
}

SAFE_SNIPPET(errors) {
    struct epoll_event event;
    char byte;
    FAILS(EBADF, epoll_wait(-1, &event, 1, 0));
    FAILS(EBADF, read(-1, &byte, 1));
    FAILS(EBADF, epoll_ctl(-1, EPOLL_CTL_ADD, 0, &event));
    FAILS(EINVAL, select(-1, NULL, NULL, NULL, NULL));
    FAILS(EINVAL, nanosleep(&(struct timespec){.tv_nsec = -1}, NULL));
    FAILS(EINVAL, ppoll(NULL, 0, &(struct timespec){.tv_nsec = -1}, NULL));
    KEEPS_ERRNO(nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL) == 0);
    KEEPS_ERRNO(poll(NULL, 0, 1) == 0);
}

static void do_nothing(int signal_number) {
    (void)signal_number;
}

static void by_poll(void) { FAILS(EINTR, poll(NULL, 0, -1)); }
static void by_ppoll(void) { FAILS(EINTR, ppoll(NULL, 0, NULL, NULL)); }
static void by_select(void) { FAILS(EINTR, select(0, NULL, NULL, NULL, NULL)); }
static void by_nanosleep(void) { FAILS(EINTR, nanosleep(&(struct timespec){.tv_sec = 1000}, NULL)); }
static void by_pause(void) { FAILS(EINTR, pause()); }
static void by_sigsuspend(void) {
    sigset_t none;
    sigemptyset(&none);
    FAILS(EINTR, sigsuspend(&none));
}
static void by_epoll_wait(void) {
    struct epoll_event event;
    int epoll = epoll_create1(0);
    FAILS(EINTR, epoll_wait(epoll, &event, 1, -1));
    CHECK(close(epoll) == 0);
}
static void by_read(void) {
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    FAILS(EINTR, read(ends[0], &byte, 1));
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
}

struct interrupted {
    void (*wait)(void);
    atomic_bool done;
};

static void *wait_body(void *argument) {
    struct interrupted *interrupted = argument;
    interrupted->wait();
    interrupted->done = true;
    return NULL;
}

SNIPPET(ended_by_a_signal) {
    void (*const waits[])(void) = {by_poll, by_ppoll, by_select, by_nanosleep, by_pause, by_sigsuspend, by_epoll_wait, by_read};
    struct sigaction action = {.sa_handler = do_nothing}, old;
    CHECK(sigaction(SIGUSR2, &action, &old) == 0);
    for (size_t index = 0; index < sizeof waits / sizeof *waits; index++) {
        struct interrupted interrupted = {waits[index], false};
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, wait_body, &interrupted) == 0);
        while (!interrupted.done) {
            CHECK(pthread_kill(thread, SIGUSR2) == 0);
            brief_pause();
        }
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(sigaction(SIGUSR2, &old, NULL) == 0);
}

// pselect, ppoll and epoll_pwait swap the mask for the time of the wait.
SNIPPET(mask_for_the_wait) {
    struct sigaction action = {.sa_handler = do_nothing}, old;
    sigset_t one, mask, open;
    struct epoll_event event;
    int epoll = epoll_create1(0);
    CHECK(sigaction(SIGUSR2, &action, &old) == 0);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR2);
    CHECK(pthread_sigmask(SIG_BLOCK, &one, &mask) == 0);
    open = mask;
    sigdelset(&open, SIGUSR2);
    CHECK(pthread_kill(pthread_self(), SIGUSR2) == 0);
    FAILS(EINTR, pselect(0, NULL, NULL, NULL, NULL, &open));
    CHECK(pthread_kill(pthread_self(), SIGUSR2) == 0);
    FAILS(EINTR, ppoll(NULL, 0, NULL, &open));
    CHECK(pthread_kill(pthread_self(), SIGUSR2) == 0);
    FAILS(EINTR, epoll_pwait(epoll, &event, 1, -1, &open));
    CHECK(pthread_sigmask(SIG_SETMASK, &mask, NULL) == 0);
    CHECK(sigaction(SIGUSR2, &old, NULL) == 0);
    CHECK(close(epoll) == 0);
}
