// A child that ends at once lives until its leader, which still works in fork, has returned: a handler for SIGCHLD that the leader sets only then
// is called.
// EXPECT-EVENT: fork kind=fork count=1
#include "../../check.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];

static bool is_child_there(void) {
    siginfo_t ended = {0};
    CHECK(waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0);
    return ended.si_pid == 0;
}

// The library's own part of fork comes after this.
static void work_in_fork(void) {
    char byte;
    CHECK(read(ends[0], &byte, 1) == 1);
    for (int round = 0; round < 10; round++) {
        brief_pause();
        CHECK(is_child_there());
    }
}

int main(void) {
    CHECK(pipe(ends) == 0 && pthread_atfork(NULL, work_in_fork, NULL) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(write(ends[1], "", 1) == 1);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
