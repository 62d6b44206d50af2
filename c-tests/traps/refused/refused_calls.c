// A sandbox fails one system call after the other: a leader with threads and its children work as ever, and no
// fork waits for what it does not get.
#include "../../filter.h"
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/epoll.h>

// Calls that this program can do without.
static const int calls[] = {
    SYS_mmap, SYS_mprotect, SYS_madvise, SYS_openat, SYS_fstat, SYS_newfstatat, SYS_lseek, SYS_ftruncate, SYS_fcntl, SYS_dup3,
    SYS_getdents64, SYS_readlink, SYS_readlinkat, SYS_poll, SYS_ppoll, SYS_mkdir, SYS_mkdirat, SYS_faccessat2, SYS_statfs, SYS_fstatfs,
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigpending, SYS_rt_sigtimedwait,
    SYS_getpid, SYS_gettid, SYS_getppid, SYS_geteuid, SYS_tgkill, SYS_kill, SYS_membarrier, SYS_futex, SYS_nanosleep,
    SYS_clock_gettime, SYS_pidfd_open, SYS_waitid, SYS_kcmp, SYS_getitimer, SYS_setitimer, SYS_timer_gettime, SYS_socketpair,
    SYS_pipe2, SYS_epoll_create1, SYS_epoll_ctl, SYS_close_range, SYS_prctl, SYS_pread64, SYS_getsockname, SYS_getpeername,
};
static const int errors[] = {EPERM, ENOSYS, EACCES};

static int ready[2], connection[2];

static void *stay(void *unused) {
    CHECK(write(ready[1], "x", 1) == 1);
    for (;;)
        pause();
    return unused;
}

static void nothing(int number) { (void)number; }

static long sleeps(void) {
    struct rusage usage;
    CHECK(getrusage(RUSAGE_THREAD, &usage) == 0);
    return usage.ru_nvcsw;
}

static void live(int round) {
    pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    struct epoll_event event;
    char byte = 'x';
    CHECK(pthread_mutex_lock(&own) == 0 && pthread_mutex_unlock(&own) == 0);
    FAILS(EBADF, epoll_wait(-1, &event, 1, 0));
    CHECK(write(ready[1], &byte, 1) == 1 && read(ready[0], &byte, 1) == 1);
    CHECK(close(connection[0]) == 0);
    if (round % 2)
        exit(0);
    _exit(0);
}

static void lead(int call, int error) {
    struct filter filter;
    filter_to(&filter, &call, 1, SECCOMP_RET_ERRNO | error, SECCOMP_RET_ALLOW);
    set_filter(&filter);
    for (int round = 0; round < 3; round++) {
        long before = sleeps();
        pid_t child = fork();
        CHECK(child >= 0);
        // Who looks for something every now and then sleeps two hundred times.
        CHECK(sleeps() - before < 100);
        if (child == 0)
            live(round);
        EXITED(child, 0);
    }
}

// A leader of its own, which has not forked yet.
static void start(int call, int error) {
    pthread_t thread;
    char byte, name[32];
    snprintf(name, sizeof name, "%d fails with %d", call, error);
    context = name;
    CHECK(pipe(ready) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, connection) == 0);
    CHECK(signal(SIGUSR1, nothing) != SIG_ERR);
    CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
    CHECK(read(ready[0], &byte, 1) == 1);
    lead(call, error);
    exit(0);
}

int main(int count, char **arguments) {
    if (count > 2)
        start(atoi(arguments[1]), atoi(arguments[2]));
    for (int i = 0; i < (int)(sizeof calls / sizeof *calls); i++) {
        // One errno each, turn by turn.
        char call[16], error[16];
        snprintf(call, sizeof call, "%d", calls[i]);
        snprintf(error, sizeof error, "%d", errors[i % 3]);
        pid_t child = vfork();
        if (child == 0) {
            execl(arguments[0], arguments[0], call, error, NULL);
            _exit(99);
        }
        EXITED(child, 0);
    }
    puts("as ever");
    return 0;
}
