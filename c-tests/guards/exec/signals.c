// Programs of a leader that blocks SIGTERM, or ignores it: it ends them.
// ENV: FORKGUARD_EXEC=clean
// EXPECT-LAST: signals-blocked resolved subject~'SIGTERM blocked in'
// EXPECT-LAST-NOT: signals-blocked hit
#include "../../programs.h"

static void handle(int signal_number) {
    (void)signal_number;
    _exit(3);
}

static void end(pid_t child) {
    // Sent before or after the exec: it waits until it is unblocked.
    CHECK(child >= 0 && kill(child, SIGTERM) == 0);
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void execute(void) {
    execl("/bin/sleep", "sleep", "60", (char *)NULL);
    _exit(127);
}

int main(void) {
    CHECK(signal(SIGTERM, handle) != SIG_ERR);
    block(SIGTERM);
    block(SIGUSR1);
    pid_t child = fork();
    if (child == 0)
        execute();
    end(child);
    CHECK(signal(SIGTERM, SIG_IGN) != SIG_ERR);
    if ((child = vfork()) == 0) {
        execl("/bin/sleep", "sleep", "60", (char *)NULL);
        _exit(127);
    }
    end(child);
    // The leader's own state is as it was.
    sigset_t now;
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGTERM) == 1);
    struct sigaction action;
    CHECK(sigaction(SIGTERM, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    return 0;
}
