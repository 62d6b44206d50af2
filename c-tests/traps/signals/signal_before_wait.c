// A signal at any moment of the library's work before pause(2) ends that wait. A tracer sends it at each system call that the child makes between
// the test of its flag and its wait. At one of them, the last, work lets signals in: the handler of one that comes there runs before the wait, as it
// would without the library.
#include "../../check.h"
#include <sys/ptrace.h>
#include <sys/user.h>

enum { SYSCALL_STOP = SIGTRAP | 0x80, TEST_OF_FLAG = SYS_getegid };

static pid_t child;
static bool handled;

static void handle(int signal_number) {
    (void)signal_number;
}

__attribute__((noreturn)) static void wait_for_signal(void) {
    CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0);
    syscall(TEST_OF_FLAG);
    pause();
    _exit(0);
}

// Runs the child to its next stop at a system call, and hands it the signal when that comes. False when it has ended.
static bool runs_to_stop(void) {
    for (int signal_number = 0, status;;) {
        CHECK(ptrace(PTRACE_SYSCALL, child, NULL, signal_number) == 0);
        CHECK(syscall(SYS_wait4, child, &status, 0, NULL) == child);
        if (WIFEXITED(status))
            CHECK(WEXITSTATUS(status) == 0);
        if (!WIFSTOPPED(status))
            return false;
        if (WSTOPSIG(status) == SYSCALL_STOP)
            return true;
        signal_number = WSTOPSIG(status);
        CHECK(signal_number == SIGUSR1);
        handled = true;
    }
}

static struct user_regs_struct call_of_child(void) {
    struct user_regs_struct call;
    CHECK(ptrace(PTRACE_GETREGS, child, NULL, &call) == 0);
    return call;
}

// Runs the child from the end of a system call to the beginning of the next, and returns that: its registers.
static struct user_regs_struct next_call(void) {
    CHECK(runs_to_stop());
    return call_of_child();
}

// True for a call that lets the signal in.
static bool lets_in(const struct user_regs_struct *call) {
    if (call->orig_rax != SYS_rt_sigprocmask || call->rdi != SIG_SETMASK || call->rsi == 0)
        return false;
    unsigned long mask = (unsigned long)ptrace(PTRACE_PEEKDATA, child, call->rsi, NULL);
    return (mask >> (SIGUSR1 - 1) & 1) == 0;
}

static void begin(void) {
    int status;
    handled = false;
    child = fork();
    CHECK(child >= 0);
    if (child == 0)
        wait_for_signal();
    CHECK(syscall(SYS_wait4, child, &status, WUNTRACED, NULL) == child && WIFSTOPPED(status));
    CHECK(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0);
    while (next_call().orig_rax != TEST_OF_FLAG)
        CHECK(runs_to_stop());
    CHECK(runs_to_stop());
}

static void end(void) {
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(syscall(SYS_wait4, child, NULL, 0, NULL) == child);
}

// Sends the signal at that call, unless that lets signals in. False when the child makes fewer calls before its wait.
static bool is_ended_by_signal_at(int number) {
    begin();
    struct user_regs_struct call;
    bool is_open = false;
    for (int past = 0; (call = next_call()).orig_rax != SYS_pause && past < number; past++) {
        CHECK(!is_open);
        is_open = lets_in(&call);
        CHECK(runs_to_stop());
    }
    if (call.orig_rax == SYS_pause || lets_in(&call)) {
        end();
        return call.orig_rax != SYS_pause;
    }
    CHECK(syscall(SYS_tgkill, child, child, SIGUSR1) == 0);
    while (runs_to_stop())
        CHECK(call_of_child().orig_rax != SYS_pause || !handled);
    return true;
}

int main(void) {
    CHECK(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handle}, NULL) == 0);
    for (int number = 0; is_ended_by_signal_at(number);)
        number++;
    return 0;
}
