// A program that is executed by one which ignores SIGPIPE for its own sockets is ended by it again when nobody reads; this one ignores it as before.
// ENV: FORKGUARD_EXEC=clean
// EXPECT-LAST: signals-blocked resolved severity=info subject~'SIGPIPE ignored in'
// EXPECT-LAST-NOT: signals-blocked hit
#include "../../programs.h"

static void execute(void) {
    execl("/bin/sleep", "sleep", "60", (char *)NULL);
    _exit(127);
}

static void ends_by_pipe(pid_t child) {
    // Before the exec it may be ignored.
    char name[64] = "", path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", child);
    for (int round = 0; strcmp(name, "sleep\n") != 0; round++) {
        FILE *stream = fopen(path, "re");
        CHECK(stream != NULL && round < 20000 && fgets(name, sizeof name, stream) != NULL);
        fclose(stream);
        brief_pause();
    }
    CHECK(kill(child, SIGPIPE) == 0);
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

int main(void) {
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        execute();
    ends_by_pipe(child);
    if ((child = vfork()) == 0) {
        execl("/bin/sleep", "sleep", "60", (char *)NULL);
        _exit(127);
    }
    ends_by_pipe(child);
    struct sigaction action;
    CHECK(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    return 0;
}
