// A program starts under a filter that it cannot see, of every kind: one that ends it for what the start of a program does not need, one
// that fails such calls, one under which no process can be made; made by a parent under the same filter, or by one without.
// WITHOUT: jemalloc (its start calls some of what is forbidden here)
#include "../../filter.h"
#include <errno.h>

// What neither this program nor its start calls.
static const int foreign[] = {
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_getpid, SYS_gettid, SYS_getppid, SYS_pidfd_open, SYS_kcmp, SYS_rt_sigpending,
    SYS_rt_sigtimedwait, SYS_getdents64, SYS_lseek, SYS_ftruncate, SYS_tgkill, SYS_kill, SYS_membarrier, SYS_getitimer,
    SYS_sigaltstack, SYS_fcntl, SYS_readlink, SYS_poll, SYS_ppoll, SYS_geteuid, SYS_dup3, SYS_waitid,
};
// Without these no process is made or waited for.
static const int makers[] = {SYS_clone, SYS_clone3, SYS_fork, SYS_vfork, SYS_wait4, SYS_waitid, SYS_getpid};

enum { COUNT = sizeof foreign / sizeof *foreign };
static const struct { const char *name; const int *calls; int count; unsigned answer; } filters[] = {
    {"all killed", foreign, COUNT, SECCOMP_RET_KILL_PROCESS},
    {"one killed", foreign + 6, 1, SECCOMP_RET_KILL_PROCESS},
    {"trapped", foreign, COUNT, SECCOMP_RET_TRAP},
    {"failed", foreign, COUNT, SECCOMP_RET_ERRNO | EPERM},
    {"no process", makers, sizeof makers / sizeof *makers, SECCOMP_RET_KILL_PROCESS},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile sig_atomic_t ended;

static void on_end(int number) {
    (void)number;
    ended++;
}

static void *touch(void *unused) {
    CHECK(pthread_mutex_lock(&lock) == 0);
    CHECK(pthread_mutex_unlock(&lock) == 0);
    return unused;
}

// The program: its children are the ones that it made.
static void work(bool with_processes) {
    int ends[2], status;
    touch(NULL);
    CHECK(pipe(ends) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
    if (!with_processes)
        return;
    CHECK(signal(SIGCHLD, on_end) != SIG_ERR);
    FAILS(ECHILD, waitpid(-1, &status, 0));
    for (int round = 0; round < 2; round++) {
        in_thread(touch, NULL);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            touch(NULL);
            _exit(7);
        }
        CHECK(waitpid(-1, &status, 0) == child && WEXITSTATUS(status) == 7);
        FAILS(ECHILD, waitpid(-1, &status, 0));
    }
    CHECK(ended == 2);
}

static void start(const char *program, int number, const char *what) {
    char text[8];
    snprintf(text, sizeof text, "%d", number);
    execl(program, program, what, text, NULL);
    _exit(99);
}

static void begin(const char *program, int number) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct filter filter;
        filter_to(&filter, filters[number].calls, filters[number].count, filters[number].answer, SECCOMP_RET_ALLOW);
        set_filter(&filter);
        start(program, number, "first");
    }
    EXITED(child, 0);
}

int main(int count, char **arguments) {
    int number = count == 3 ? atoi(arguments[2]) : 0;
    bool processes = filters[number].calls != makers;
    context = filters[number].name;
    if (count == 3) {
        step = arguments[1];
        work(processes);
        if (!strcmp(arguments[1], "first") && processes) {
            pid_t child = fork();
            if (child == 0)
                start(arguments[0], number, "second");
            CHECK(child > 0);
            EXITED(child, 0);
        }
        return 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (number = 0; number < (int)(sizeof filters / sizeof *filters); number++) {
        context = filters[number].name;
        begin(arguments[0], number);
        puts(context);
    }
    return 0;
}
