// steps PAIRS PROGRAM ARGS...: user instructions a pair between PROGRAM's two breakpoints, by single steps.
// Exact, and needs no performance counters: virtual machines often have none.
#include "bench.h"
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
    must(argc >= 3, "usage: steps PAIRS PROGRAM ARGS...");
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        must(!ptrace(PTRACE_TRACEME, 0, NULL, NULL), "ptrace");
        raise(SIGSTOP);
        execvp(argv[2], argv + 2);
        must(0, argv[2]);
    }
    int status;
    must(waitpid(child, &status, 0) == child && WIFSTOPPED(status), "the program did not start");
    long options = PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK;
    must(!ptrace(PTRACE_SETOPTIONS, child, NULL, options), "ptrace");
    must(!ptrace(PTRACE_CONT, child, NULL, NULL), "ptrace");

    pid_t stepped = 0, stopped;
    long steps = 0, breakpoints = 0;
    while ((stopped = waitpid(-1, &status, __WALL)) > 0) {
        if (!WIFSTOPPED(status))
            continue;
        siginfo_t info;
        long signal = WSTOPSIG(status);
        int event = status >> 16;
        if (event || signal == SIGSTOP) {
            signal = 0;
        } else if (signal == SIGTRAP && !ptrace(PTRACE_GETSIGINFO, stopped, NULL, &info)) {
            signal = 0;
            if (info.si_code == SI_KERNEL) {
                breakpoints++;
                stepped = stepped ? 0 : stopped;
            } else {
                steps++;
            }
        }
        ptrace(stopped == stepped ? PTRACE_SINGLESTEP : PTRACE_CONT, stopped, NULL, signal);
    }
    must(breakpoints == 2, "the program's two breakpoints");
    print_figure((double)steps / (double)argument(argc, argv, 1, 1));
    return 0;
}
