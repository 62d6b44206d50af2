// A worker sets a filter that ends it for what it does not call itself, in every way and with every answer, and goes on: with locks,
// threads, descriptors, children, to its end. Any system call but its own shows.
#include "../../filter.h"
#include <fcntl.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>

// Of these the worker makes none itself.
static const int foreign[] = {
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_getpid, SYS_gettid, SYS_getppid, SYS_pidfd_open, SYS_kcmp, SYS_openat,
    SYS_open, SYS_rt_sigpending, SYS_rt_sigtimedwait, SYS_getdents64, SYS_newfstatat, SYS_fstat, SYS_lseek, SYS_ftruncate,
    SYS_tgkill, SYS_kill, SYS_membarrier, SYS_getitimer, SYS_getrusage, SYS_sigaltstack, SYS_clock_gettime, SYS_fcntl,
    SYS_sched_yield, SYS_readlink, SYS_access, SYS_ioctl, SYS_prctl, SYS_poll,
};
// And these are all that the small one makes.
static const int own[] = {SYS_write, SYS_exit, SYS_exit_group, SYS_rt_sigreturn};

enum way { BY_PRCTL, BY_SYSCALL, BY_SYSCALL_OF_PRCTL, OF_ALL_THREADS, IN_THREAD, WAYS };
static const char *const names[] = {"prctl", "seccomp", "prctl by syscall", "all threads", "in a thread"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static sem_t semaphore;
static int connection[2], asleep[2];
static struct filter filter;
static volatile sig_atomic_t trapped;

static void on_trap(int number) {
    (void)number;
    trapped = 1;
}

static void nothing(int number) { (void)number; }

// A thread that the worker lacks.
static void *stay(void *unused) {
    char byte;
    CHECK(write(asleep[1], "x", 1) == 1);
    for (;;)
        (void)!read(connection[0], &byte, 1);
    return unused;
}

static void *touch(void *unused) {
    CHECK(pthread_mutex_lock(&lock) == 0);
    CHECK(pthread_mutex_unlock(&lock) == 0);
    return unused;
}

static void set(enum way way) {
    int flags = way == OF_ALL_THREADS ? SECCOMP_FILTER_FLAG_TSYNC : 0;
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    // Libraries ask so what there is; nothing is set by it.
    FAILS(EFAULT, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL));
    FAILS(EINVAL, syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
    if (way == BY_PRCTL || way == IN_THREAD)
        CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter.program) == 0);
    else if (way == BY_SYSCALL_OF_PRCTL)
        CHECK(syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter.program, 0, 0) == 0);
    else
        CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter.program) == 0);
}

static void work(void) {
    int ends[2], status;
    char byte = 'x';
    touch(NULL);
    CHECK(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_unlock(&recursive) == 0);
    CHECK(sem_init(&semaphore, 0, 1) == 0 && sem_wait(&semaphore) == 0 && sem_post(&semaphore) == 0);
    in_thread(touch, NULL);
    CHECK(pipe(ends) == 0);
    CHECK(write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1);
    CHECK(dup2(ends[0], ends[1]) == ends[1]);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(send(ends[0], &byte, 1, 0) == 1 && recv(ends[1], &byte, 1, 0) == 1);
    CHECK(shutdown(ends[0], SHUT_RDWR) == 0 && close_range(ends[0], ends[0], 0) == 0);
    // What it has from its leader.
    CHECK(write(asleep[1], &byte, 1) == 1 && read(asleep[0], &byte, 1) == 1);
    CHECK(close(connection[1]) == 0);
    CHECK(signal(SIGUSR1, nothing) != SIG_ERR);
    struct itimerval none = {0};
    CHECK(setitimer(ITIMER_REAL, &none, NULL) == 0);
    srandom(1);
    (void)random();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        touch(NULL);
        pid_t grandchild = _Fork();
        if (grandchild == 0) {
            touch(NULL);
            exit(0);
        }
        CHECK(waitpid(grandchild, &status, 0) == grandchild && status == 0);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    child = vfork();
    if (child == 0)
        _exit(0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(!trapped);
}

static void *set_in_thread(void *unused) {
    set(IN_THREAD);
    work();
    return unused;
}

static void worker(enum way way, bool by_return) {
    if (way == IN_THREAD) {
        in_thread(set_in_thread, NULL);
    } else {
        set(way);
        work();
    }
    if (by_return)
        exit(0);
    _exit(0);
}

static void small_worker(bool strict) {
    if (strict)
        CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
    else
        set(BY_PRCTL);
    touch(NULL);
    CHECK(sem_init(&semaphore, 0, 1) == 0 && sem_wait(&semaphore) == 0 && sem_post(&semaphore) == 0);
    CHECK(write(asleep[1], "x", 1) == 1);
    if (strict)
        syscall(SYS_exit, 0);
    _exit(0);
}

static void in_vfork_child(void) {
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter.program);
        dup2(connection[0], connection[1]);
        close(connection[0]);
        _exit(0);
    }
    EXITED(child, 0);
}

int main(void) {
    pthread_t thread;
    char byte;
    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, connection) == 0 && pipe(asleep) == 0);
    CHECK(signal(SIGUSR1, nothing) != SIG_ERR && signal(SIGTERM, nothing) != SIG_ERR);
    CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
    CHECK(read(asleep[0], &byte, 1) == 1);
    struct { const char *name; unsigned answer; bool caught; } answers[] = {
        {"kill process", SECCOMP_RET_KILL_PROCESS, false}, {"kill thread", SECCOMP_RET_KILL_THREAD, false},
        {"trap", SECCOMP_RET_TRAP, false}, {"trap, caught", SECCOMP_RET_TRAP, true}, {"errno", SECCOMP_RET_ERRNO | EPERM, false},
    };
    int count = sizeof foreign / sizeof *foreign;
    for (int i = 0; i < 5; i++) {
        context = answers[i].name;
        CHECK(signal(SIGSYS, answers[i].caught ? on_trap : SIG_DFL) != SIG_ERR);
        filter_to(&filter, foreign, count, answers[i].answer, SECCOMP_RET_ALLOW);
        for (enum way way = 0; way < WAYS; way++) {
            step = names[way];
            pid_t child = fork();
            CHECK(child >= 0);
            if (child == 0)
                worker(way, i % 2);
            EXITED(child, 0);
        }
        step = "in a vfork child";
        in_vfork_child();
        puts(context);
    }
    context = "all but its own";
    filter_to(&filter, own, sizeof own / sizeof *own, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
    for (int strict = 0; strict < 2; strict++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            small_worker(strict);
        EXITED(child, 0);
        CHECK(read(asleep[0], &byte, 1) == 1);
    }
    puts(context);
    // Of the main program too.
    context = "the leader itself";
    filter_to(&filter, foreign, count, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW);
    set(OF_ALL_THREADS);
    work();
    CHECK(write(1, "leader\n", 7) == 7);
    return 0;
}
