// Every way to make a process: results, ids, what the child sees.
// LIBS: -lutil
#include "driver.h"
#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <spawn.h>
#include <sys/resource.h>

extern char **environ;

static void run_as_child(pid_t child, pid_t parent) {
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(getppid() == parent);
        CHECK(syscall(SYS_gettid) == getpid());
        _exit(7);
    }
    CHECK(child != parent);
    EXITED(child, 7);
}

SAFE_SNIPPET(raw_ways) {
    pid_t self = getpid();
    run_as_child(_Fork(), self);
    run_as_child((pid_t)syscall(SYS_fork), self);
    run_as_child((pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0L), self);
}

SNIPPET(plain) {
    pid_t self = getpid();
    errno = 4711;
    pid_t child = fork();
    CHECK(errno == 4711);
    run_as_child(child, self);
}

SAFE_SNIPPET(syscall_passes_all) {
    CHECK(syscall(SYS_getpid) == getpid());
    CHECK(syscall(SYS_gettid) == gettid());
    FAILS(EBADF, syscall(SYS_close, -1));
    FAILS(ENOSYS, syscall(100000));
    long address = syscall(SYS_mmap, NULL, 4096L, (long)PROT_READ, (long)(MAP_PRIVATE | MAP_ANONYMOUS), -1L, 0L);
    CHECK(address > 0);
    CHECK(syscall(SYS_munmap, address, 4096L) == 0);
}

// The child of vfork shares the stack: whatever wraps the call must not have a frame of its own.
SNIPPET(vfork_and_exec) {
    for (int round = 0; round < 20; round++) {
        volatile int shared = 0;
        pid_t child = vfork();
        CHECK(child >= 0);
        if (child == 0) {
            shared = 5;
            char *arguments[] = {"sh", "-c", "exit 9", NULL};
            execve("/bin/sh", arguments, environ);
            _exit(1);
        }
        CHECK(shared == 5);
        EXITED(child, 9);
    }
}

static int clone_body(void *argument) {
    *(volatile int *)argument = getpid();
    return 21;
}

SNIPPET(cloned) {
    static char stack[65536] __attribute__((aligned(16)));
    volatile int seen = 0;
    pid_t child = clone(clone_body, stack + sizeof stack, SIGCHLD, (void *)&seen);
    EXITED(child, 21);
    CHECK(seen == 0);
    pid_t parent_tid = 0;
    child = clone(clone_body, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD, (void *)&seen,
                  &parent_tid);
    EXITED(child, 21);
    CHECK(seen == child && parent_tid == child);
    FAILS(EINVAL, clone(NULL, stack + sizeof stack, SIGCHLD, NULL));
}

SNIPPET(spawned) {
    pid_t child;
    char *arguments[] = {"sh", "-c", "exit $CODE", NULL}, *environment[] = {"CODE=6", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) == 0);
    CHECK(posix_spawnattr_init(&attributes) == 0);
    CHECK(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP) == 0);
    CHECK(posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, environment) == 0);
    EXITED(child, 6);
    CHECK(posix_spawnp(&child, "sh", NULL, NULL, arguments, environment) == 0);
    EXITED(child, 6);
    CHECK(posix_spawn(&child, "/no/such/program", NULL, NULL, arguments, environment) == ENOENT);
    CHECK(posix_spawnp(&child, "no-such-program", NULL, NULL, arguments, environment) == ENOENT);
    CHECK(posix_spawn_file_actions_destroy(&actions) == 0);
    CHECK(posix_spawnattr_destroy(&attributes) == 0);
    FAILS(ECHILD, waitpid(-1, NULL, WNOHANG));
}

SNIPPET(shell) {
    CHECK(system(NULL) != 0);
    CHECK(system("exit 5") == 5 << 8);
    CHECK(system("kill -TERM $$") == SIGTERM);
    struct sigaction seen;
    CHECK(sigaction(SIGINT, NULL, &seen) == 0 && seen.sa_handler == SIG_DFL);
}

static void child_daemonizes(void *pipe_end) {
    pid_t before = getpid();
    CHECK(daemon(1, 1) == 0);
    CHECK(getpid() != before && getsid(0) == getpid());
    pid_t self = getpid();
    CHECK(write(*(int *)pipe_end, &self, sizeof self) == sizeof self);
}

SNIPPET(daemonized) {
    int ends[2];
    pid_t seen = 0;
    CHECK(pipe(ends) == 0);
    in_child(child_daemonizes, &ends[1]);
    CHECK(close(ends[1]) == 0);
    CHECK(read(ends[0], &seen, sizeof seen) == sizeof seen && seen > 0);
    CHECK(read(ends[0], &seen, 1) == 0);
    CHECK(close(ends[0]) == 0);
}

SNIPPET(on_a_terminal) {
    int master;
    char name[64] = "";
    struct winsize size = {.ws_row = 11, .ws_col = 22};
    pid_t child = forkpty(&master, name, NULL, &size);
    CHECK(child >= 0);
    if (child == 0) {
        struct winsize seen = {0};
        _exit(isatty(0) && isatty(1) && !syscall(SYS_ioctl, 0, 0x5413, &seen) && seen.ws_row == 11 ? 4 : 1);
    }
    CHECK(strncmp(name, "/dev/", 5) == 0);
    EXITED(child, 4);
    CHECK(close(master) == 0);
}

static void child_cannot_fork(void *unused) {
    (void)unused;
    // Privileges would lift the limit.
    CHECK(syscall(SYS_setresgid, 65534, 65534, 65534) == 0 && syscall(SYS_setresuid, 65534, 65534, 65534) == 0);
    CHECK(setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0}) == 0);
    FAILS(EAGAIN, fork());
    FAILS(EAGAIN, _Fork());
    FAILS(EAGAIN, vfork());
}

SNIPPET(failing) {
    if (geteuid() == 0)
        in_child(child_cannot_fork, NULL);
}

static void *fork_in_thread(void *unused) {
    run_as_child(fork(), getpid());
    return unused;
}

SNIPPET(at_once_from_threads) {
    pthread_t threads[4];
    for (int index = 0; index < 4; index++)
        CHECK(pthread_create(&threads[index], NULL, fork_in_thread, NULL) == 0);
    run_as_child(fork(), getpid());
    for (int index = 0; index < 4; index++)
        CHECK(pthread_join(threads[index], NULL) == 0);
}

static void child_uses_all(void *unused) {
    CHECK(system("true") == 0);
    in_thread(fork_in_thread, unused);
    free(malloc(100000));
    FILE *stream = popen("true", "r");
    CHECK(stream != NULL && pclose(stream) == 0);
}

SNIPPET(child_is_a_whole_process) {
    in_child(child_uses_all, NULL);
}

// The stack, deep and dirty, survives in the child.
static int depth_of(int depth) {
    volatile char frame[512];
    memset((void *)frame, depth, sizeof frame);
    if (depth == 0) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child > 0) {
            EXITED(child, 0);
        } else {
            free(malloc(64));
        }
        return child;
    }
    int child = depth_of(depth - 1);
    CHECK(frame[0] == (char)depth && frame[511] == (char)depth);
    return child;
}

SNIPPET(deep_in_the_stack) {
    if (depth_of(50) == 0)
        _exit(0);
}
