// A process whose child stands still before its first instruction until signals that it blocks have been sent to it: what a signal for
// the process group does that arrives right after a fork.
#pragma once
#include "../../process.h"
#include <sys/prctl.h>
#include <sys/ptrace.h>

static volatile sig_atomic_t handled;

static void handle(int signal_number) {
    handled += signal_number;
}

static void set_handler(int signal_number) {
    CHECK(sigaction(signal_number, &(struct sigaction){.sa_handler = handle}, NULL) == 0);
}

static bool is_caught(int signal_number) {
    struct sigaction now;
    CHECK(sigaction(signal_number, NULL, &now) == 0);
    return now.sa_handler == handle;
}

__attribute__((unused)) static bool is_default(int signal_number) {
    struct sigaction now;
    CHECK(sigaction(signal_number, NULL, &now) == 0);
    return now.sa_handler == SIG_DFL;
}

// Waits for a stop of this process and gives its status.
static int stopped(pid_t process) {
    int status;
    CHECK(waitpid(process, &status, __WALL) == process && WIFSTOPPED(status));
    return status;
}

// Sends the next child of `leader` these signals before it has run.
__attribute__((noreturn)) static void send_to_next_child(pid_t leader, int ready, sigset_t *signals) {
    CHECK(ptrace(PTRACE_SEIZE, leader, NULL, PTRACE_O_TRACEFORK) == 0);
    CHECK(write(ready, "r", 1) == 1);
    unsigned long child;
    while (stopped(leader) >> 8 != (SIGTRAP | PTRACE_EVENT_FORK << 8))
        CHECK(ptrace(PTRACE_CONT, leader, NULL, 0) == 0);
    CHECK(ptrace(PTRACE_GETEVENTMSG, leader, NULL, &child) == 0);
    stopped(child);
    for (int number = 1; number < 32; number++)
        CHECK(!sigismember(signals, number) || kill(child, number) == 0);
    CHECK(ptrace(PTRACE_DETACH, child, NULL, 0) == 0 && ptrace(PTRACE_DETACH, leader, NULL, 0) == 0);
    _exit(0);
}

// Forks a child that runs `body` with these signals blocked, all of them sent to it before.
__attribute__((unused)) static void fork_child_sent(sigset_t *signals, void (*body)(void)) {
    int ready[2];
    char byte;
    pid_t leader = getpid();
    CHECK(pipe(ready) == 0);
    // Where only descendants may be traced (fails elsewhere, where it is not needed).
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    pid_t tracer = fork();
    CHECK(tracer >= 0);
    if (tracer == 0)
        send_to_next_child(leader, ready[1], signals);
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(sigprocmask(SIG_BLOCK, signals, NULL) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        CHECK(sigprocmask(SIG_UNBLOCK, signals, NULL) == 0);
        live();
    }
    EXITED(tracer, 0);
    EXITED(child, 0);
}
