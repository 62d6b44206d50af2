// A debugger waits for the one child that it traces: each of the child's stops ends the wait.
#include "../../check.h"
#include <stdatomic.h>
#include <sys/ptrace.h>

enum { STOPS = 50 };

__attribute__((noreturn)) static void *stay(void *unused) {
    (void)unused;
    for (;;)
        syscall(SYS_pause);
}

int main(int count, char **arguments) {
    if (count > 1)
        return 3;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
    // Whatever hangs is not waited for.
    alarm(60);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
        for (int stop = 0; stop < STOPS; stop++)
            raise(SIGSTOP);
        execl("/proc/self/exe", arguments[0], "again", NULL);
        _exit(127);
    }
    int status;
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int stop = 0; stop < STOPS; stop++) {
        CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
        CHECK(ptrace(PTRACE_CONT, child, NULL, NULL) == 0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    CHECK(ptrace(PTRACE_CONT, child, NULL, NULL) == 0);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK(end.tv_sec - begin.tv_sec < STOPS / 2);
    return 0;
}
