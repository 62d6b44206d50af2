// A signal that comes while a child settles, in front of its first wait, ends that wait: `while (!ready) pause();` does not miss it. The
// settling itself sends it: the kernel signals each write of the child into its report (F_NOTIFY).
// EXPECT-EVENT: child settled=pause count=1
// EXPECT-EVENT: child settled=sigsuspend count=1
// EXPECT-EVENT: child settled=nanosleep count=1
// EXPECT-EVENT: child settled=accept count=1
// EXPECT-EVENT: child settled=read count=1
#include "../../process.h"
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>

static atomic_bool *written;
static volatile sig_atomic_t ready;
static int ends[2], listening, epoll;

static void on_change(int number) { ready = number; }
static void too_late(int number) {
    (void)number;
    failed(__FILE__, __LINE__, "the wait ended");
}

static void in_pause(void) { CHECK(pause() == -1 && errno == EINTR); }
static void in_sigsuspend(void) {
    sigset_t none;
    sigemptyset(&none);
    CHECK(sigsuspend(&none) == -1 && errno == EINTR);
}
static void in_sleep(void) { CHECK(sleep(3000) >= 2999); }
static void in_nanosleep(void) {
    struct timespec hour = {3600, 0}, left = {0};
    CHECK(nanosleep(&hour, &left) == -1 && errno == EINTR && left.tv_sec >= 3599);
}
static void in_clock_nanosleep(void) {
    struct timespec hour = {3600, 0}, left = {0};
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, &left) == EINTR && left.tv_sec >= 3599);
}
static void in_poll(void) { CHECK(poll(NULL, 0, -1) == -1 && errno == EINTR); }
static void in_ppoll(void) { CHECK(ppoll(NULL, 0, NULL, NULL) == -1 && errno == EINTR); }
static void in_select(void) {
    struct timeval hour = {3600, 0};
    CHECK(select(0, NULL, NULL, NULL, &hour) == -1 && errno == EINTR);
}
static void in_pselect(void) { CHECK(pselect(0, NULL, NULL, NULL, NULL, NULL) == -1 && errno == EINTR); }
static void in_epoll_wait(void) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(epoll_wait(epoll, &(struct epoll_event){0}, 1, -1) == -1 && errno == EINTR);
}
static void in_accept(void) { FAILS(EINTR, accept(listening, NULL, NULL)); }
static void in_read(void) {
    char byte;
    FAILS(EINTR, (int)read(ends[0], &byte, 1));
}

static void child(void (*wait_in)(void)) {
    struct sigaction change = {.sa_handler = on_change}, late = {.sa_handler = too_late};
    CHECK(sigaction(SIGUSR1, &change, NULL) == 0 && sigaction(SIGALRM, &late, NULL) == 0);
    EVENTUALLY(*written);
    int directory = open(getenv("FORKGUARD_REPORT"), O_RDONLY | O_DIRECTORY);
    CHECK(fcntl(directory, F_SETSIG, SIGUSR1) == 0 && fcntl(directory, F_NOTIFY, DN_MODIFY | DN_MULTISHOT) == 0);
    alarm(20);
    while (!ready)
        wait_in();
    _exit(0);
}

int main(void) {
    void (*const waits[])(void) = {in_pause,  in_sigsuspend, in_sleep,  in_nanosleep, in_clock_nanosleep, in_poll,
                                   in_ppoll, in_select,     in_pselect, in_epoll_wait, in_accept,          in_read};
    written = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(written != MAP_FAILED && pipe(ends) == 0);
    CHECK((listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0);
    sa_family_t family = AF_UNIX;
    CHECK(bind(listening, (struct sockaddr *)&family, sizeof family) == 0 && listen(listening, 1) == 0);
    for (size_t index = 0; index < sizeof waits / sizeof *waits; index++) {
        *written = false;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child(waits[index]);
        // Its leader has written now.
        *written = true;
        EXITED(pid, 0);
    }
    return 0;
}
