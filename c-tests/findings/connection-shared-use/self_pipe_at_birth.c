// A signal that waits for the child when it is born: its handler writes into the self-pipe before any handler of pthread_atfork could run. A
// tracer makes the race certain: the kernel stops the child at its birth.
// EXPECT: connection-shared-use severity=error state=hit count=1
// EXPECT: connection-shared-use sites=[role=opened,frames.module~PROGRAM] sites=[role=used,frames.module~PROGRAM]
#include "../../sockets.h"
#include <sys/ptrace.h>

static int ends[2];

static void wake(int signal_number) {
    (void)signal_number;
    CHECK(write(ends[1], "w", 1) == 1);
}

static void lead(void) {
    CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    CHECK(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = wake}, NULL) == 0);
    CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0);
    fork_living_child();
    _exit(0);
}

static pid_t next_child(pid_t leader) {
    const int FORKED = SIGTRAP | PTRACE_EVENT_FORK << 8;
    unsigned long child;
    int status;
    for (;;) {
        CHECK(waitpid(leader, &status, __WALL) == leader && WIFSTOPPED(status));
        if (status >> 8 == FORKED)
            break;
        CHECK(ptrace(PTRACE_CONT, leader, NULL, WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status)) == 0);
    }
    CHECK(ptrace(PTRACE_GETEVENTMSG, leader, NULL, &child) == 0);
    CHECK(waitpid((pid_t)child, &status, __WALL) == (pid_t)child && WIFSTOPPED(status));
    return (pid_t)child;
}

int main(void) {
    pid_t leader = fork();
    CHECK(leader >= 0);
    if (leader == 0)
        lead();
    int status;
    CHECK(waitpid(leader, &status, WUNTRACED) == leader && WIFSTOPPED(status));
    CHECK(ptrace(PTRACE_SETOPTIONS, leader, NULL, PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL) == 0);
    CHECK(ptrace(PTRACE_CONT, leader, NULL, 0) == 0);
    pid_t child = next_child(leader);
    CHECK(kill(child, SIGUSR1) == 0);
    CHECK(ptrace(PTRACE_DETACH, leader, NULL, 0) == 0 && ptrace(PTRACE_DETACH, child, NULL, 0) == 0);
    EXITED(leader, 0);
    return 0;
}
