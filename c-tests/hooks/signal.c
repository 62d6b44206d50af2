// sigaction, signal, bsd_signal, sigset, sigwait, sigsuspend: old dispositions, flags, what a child inherits; kill, killpg, sigqueue, pidfd_send_signal.
#include "driver.h"

__sighandler_t bsd_signal(int, __sighandler_t);

static atomic_int caught;

static void count(int signal_number) {
    (void)signal_number;
    caught++;
}

static void count_with_value(int signal_number, siginfo_t *information, void *unused) {
    (void)signal_number, (void)unused;
    caught += information->si_value.sival_int;
}

SAFE_SNIPPET(action_and_its_old_one) {
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART | SA_NODEFER}, old, before;
    sigaddset(&action.sa_mask, SIGUSR2);
    KEEPS_ERRNO(sigaction(SIGUSR1, NULL, &before) == 0);
    KEEPS_ERRNO(sigaction(SIGUSR1, &action, &old) == 0);
    CHECK(old.sa_handler == before.sa_handler);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0);
    CHECK(old.sa_handler == count);
    CHECK((old.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO)) == (SA_RESTART | SA_NODEFER));
    CHECK(sigismember(&old.sa_mask, SIGUSR2) == 1 && sigismember(&old.sa_mask, SIGTERM) == 0);
    caught = 0;
    CHECK(raise(SIGUSR1) == 0);
    CHECK(caught == 1);
    CHECK(sigaction(SIGUSR1, &before, &old) == 0);
    CHECK(old.sa_handler == count);
}

SAFE_SNIPPET(same_struct_for_new_and_old) {
    struct sigaction action = {.sa_handler = SIG_IGN}, *volatile same = &action;
    CHECK(sigaction(SIGUSR2, &action, same) == 0);
    CHECK(action.sa_handler == SIG_DFL);
    CHECK(sigaction(SIGUSR2, &action, same) == 0);
    CHECK(action.sa_handler == SIG_IGN);
}

SAFE_SNIPPET(bad_signals) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    FAILS(EINVAL, sigaction(SIGKILL, &action, NULL));
    FAILS(EINVAL, sigaction(SIGSTOP, &action, NULL));
    FAILS(EINVAL, sigaction(0, &action, NULL));
    FAILS(EINVAL, sigaction(-1, NULL, NULL));
    FAILS(EINVAL, sigaction(65, &action, NULL));
    FAILS(EINVAL, sigaction(1 << 30, &action, NULL));
    FAILS(EINVAL, sigaction(32, &action, NULL));
    FAILS(EFAULT, syscall(SYS_rt_sigaction, SIGUSR1, 1, NULL, 8));
    errno = 0;
    CHECK(signal(SIGKILL, SIG_IGN) == SIG_ERR && errno == EINVAL);
    errno = 0;
    CHECK(signal(1000, SIG_IGN) == SIG_ERR && errno == EINVAL);
}

SAFE_SNIPPET(old_style) {
    CHECK(signal(SIGUSR1, count) == SIG_DFL);
    KEEPS_ERRNO(signal(SIGUSR1, SIG_IGN) == count);
    CHECK(bsd_signal(SIGUSR1, count) == SIG_IGN);
    struct sigaction seen;
    CHECK(sigaction(SIGUSR1, NULL, &seen) == 0 && seen.sa_handler == count && (seen.sa_flags & SA_RESTART));
    CHECK(ssignal(SIGUSR1, SIG_DFL) == count);
    CHECK(sysv_signal(SIGUSR1, count) == SIG_DFL);
    CHECK(sigaction(SIGUSR1, NULL, &seen) == 0 && (seen.sa_flags & (SA_RESETHAND | SA_NODEFER)));
    CHECK(signal(SIGUSR1, SIG_DFL) == count);
}

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
SNIPPET(held) {
    caught = 0;
    CHECK(sigset(SIGUSR1, count) == SIG_DFL);
    CHECK(sigset(SIGUSR1, SIG_HOLD) == count);
    CHECK(raise(SIGUSR1) == 0);
    CHECK(caught == 0);
    CHECK(sigset(SIGUSR1, count) == SIG_HOLD);
    CHECK(caught == 1);
    CHECK(sigset(SIGUSR1, SIG_DFL) == count);
}

SAFE_SNIPPET(value_arrives) {
    struct sigaction action = {.sa_sigaction = count_with_value, .sa_flags = SA_SIGINFO}, old;
    CHECK(sigaction(SIGRTMIN + 1, &action, &old) == 0);
    caught = 0;
    sigset_t one, mask;
    sigemptyset(&one);
    sigaddset(&one, SIGRTMIN + 1);
    CHECK(pthread_sigmask(SIG_BLOCK, &one, &mask) == 0);
    CHECK(pthread_sigqueue(pthread_self(), SIGRTMIN + 1, (union sigval){.sival_int = 5}) == 0);
    CHECK(caught == 0);
    sigset_t none = mask;
    sigdelset(&none, SIGRTMIN + 1);
    FAILS(EINTR, sigsuspend(&none));
    CHECK(caught == 5);
    CHECK(pthread_sigmask(SIG_SETMASK, &mask, NULL) == 0);
    CHECK(sigaction(SIGRTMIN + 1, &old, NULL) == 0);
}

SNIPPET(awaited) {
    sigset_t one, mask;
    int received = 0;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, &one, &mask) == 0);
    CHECK(pthread_kill(pthread_self(), SIGUSR1) == 0);
    CHECK(sigwait(&one, &received) == 0 && received == SIGUSR1);
    FAILS(EAGAIN, sigtimedwait(&one, NULL, &(struct timespec){0}));
    CHECK(pthread_sigmask(SIG_SETMASK, &mask, NULL) == 0);
}

static void child_inherits(void *unused) {
    (void)unused;
    struct sigaction seen;
    CHECK(sigaction(SIGCHLD, NULL, &seen) == 0 && seen.sa_handler == count && (seen.sa_flags & SA_NOCLDSTOP));
    CHECK(sigaction(SIGHUP, NULL, &seen) == 0 && seen.sa_handler == SIG_IGN);
    CHECK(sigaction(SIGWINCH, NULL, &seen) == 0 && seen.sa_handler == count);
    sigset_t mask;
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0 && sigismember(&mask, SIGUSR2) == 1);
}

// Without any option a child has every disposition that it had natively, SIGCHLD too.
SNIPPET(kept_across_fork) {
    struct sigaction chld = {.sa_handler = count, .sa_flags = SA_NOCLDSTOP | SA_RESTART}, ignore = {.sa_handler = SIG_IGN};
    struct sigaction winch = {.sa_handler = count}, old[3];
    sigset_t one, mask;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR2);
    CHECK(sigaction(SIGCHLD, &chld, &old[0]) == 0);
    CHECK(sigaction(SIGHUP, &ignore, &old[1]) == 0);
    CHECK(sigaction(SIGWINCH, &winch, &old[2]) == 0);
    CHECK(pthread_sigmask(SIG_BLOCK, &one, &mask) == 0);
    caught = 0;
    in_child(child_inherits, NULL);
    EVENTUALLY(caught == 1);
    CHECK(pthread_sigmask(SIG_SETMASK, &mask, NULL) == 0);
    CHECK(sigaction(SIGCHLD, &old[0], NULL) == 0);
    CHECK(sigaction(SIGHUP, &old[1], NULL) == 0);
    CHECK(sigaction(SIGWINCH, &old[2], NULL) == 0);
}

// Ignored SIGCHLD reaps by itself: wait finds nobody.
SNIPPET(ignored_sigchld) {
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    CHECK(sigaction(SIGCHLD, &ignore, &old) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    FAILS(ECHILD, waitpid(child, NULL, 0));
    CHECK(sigaction(SIGCHLD, &old, NULL) == 0);
}

static void waits(void *ready) {
    CHECK(write(*(int *)ready, "r", 1) == 1);
    for (;;)
        pause();
}

// A child that leads a group of its own, and waits.
static pid_t waiting_child(void) {
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(setpgid(0, 0) == 0);
        waits(&ready[1]);
    }
    CHECK(read(ready[0], &(char){0}, 1) == 1);
    CHECK(close(ready[0]) == 0 && close(ready[1]) == 0);
    return child;
}

static void ended_by(pid_t child, int signal_number) {
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == signal_number);
}

SNIPPET(sent_to_children) {
    pid_t child = waiting_child();
    KEEPS_ERRNO(kill(child, 0) == 0);
    KEEPS_ERRNO(kill(child, SIGTERM) == 0);
    ended_by(child, SIGTERM);
    KEEPS_ERRNO(kill(-(child = waiting_child()), SIGQUIT) == 0);
    ended_by(child, SIGQUIT);
    KEEPS_ERRNO(killpg(child = waiting_child(), SIGINT) == 0);
    ended_by(child, SIGINT);
    KEEPS_ERRNO(sigqueue(child = waiting_child(), SIGUSR1, (union sigval){.sival_int = 5}) == 0);
    ended_by(child, SIGUSR1);
    KEEPS_ERRNO(syscall(SYS_kill, child = waiting_child(), SIGKILL) == 0);
    ended_by(child, SIGKILL);
    int fd = pidfd_open(child = waiting_child(), 0);
    CHECK(fd >= 0);
    KEEPS_ERRNO(pidfd_send_signal(fd, 0, NULL, 0) == 0);
    KEEPS_ERRNO(pidfd_send_signal(fd, SIGHUP, NULL, 0) == 0);
    ended_by(child, SIGHUP);
    FAILS(ESRCH, pidfd_send_signal(fd, SIGHUP, NULL, 0));
    FAILS(ESRCH, syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    CHECK(close(fd) == 0);
}

SNIPPET(sent_to_nobody) {
    FAILS(EINVAL, kill(getpid(), 1000));
    FAILS(EINVAL, kill(getpid(), -1));
    FAILS(ESRCH, kill(0x7ffffff0, SIGTERM));
    FAILS(EINVAL, killpg(-5, SIGTERM));
    FAILS(EBADF, pidfd_send_signal(-1, SIGTERM, NULL, 0));
}

SAFE_SNIPPET(sent_to_itself) {
    struct sigaction action = {.sa_handler = count}, old;
    CHECK(sigaction(SIGURG, &action, &old) == 0);
    caught = 0;
    KEEPS_ERRNO(raise(SIGURG) == 0);
    KEEPS_ERRNO(kill(getpid(), 0) == 0);
    CHECK(caught == 1);
    CHECK(sigaction(SIGURG, &old, NULL) == 0);
}
