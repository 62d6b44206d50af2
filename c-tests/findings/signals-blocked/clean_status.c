// The leader ignores SIGCHLD so that no zombie stays, and loses no status for it: its children start nothing; take the signal back first; wait for the end alone;
// ask without waiting; wait for all until none is left; or wait for a process that is not theirs.
// EXPECT-NOT: signals-blocked
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: signals-blocked
#include "lost_status.h"

static void nothing(void) {}

static void takes_back(void) {
    int status;
    CHECK(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
    pid_t pid = started();
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
    FAILS(ECHILD, waitpid(pid, &status, 0));
}

static void waits_for_end(void) { FAILS(ECHILD, waitpid(started(), NULL, 0)); }

static void asks(void) {
    int status;
    pid_t pid = started();
    while (waitpid(pid, &status, WNOHANG) == 0)
        usleep(1000);
}

static void waits_for_all(void) {
    int status;
    started();
    FAILS(ECHILD, waitpid(-1, &status, 0));
    FAILS(ECHILD, wait(&status));
}

static void waits_for_none(void) {
    int status;
    FAILS(ECHILD, waitpid(1, &status, 0));
}

int main(void) {
    ignore_children();
    as_worker(nothing);
    as_worker(takes_back);
    as_worker(waits_for_end);
    as_worker(asks);
    as_worker(waits_for_all);
    as_worker(waits_for_none);
    int status; // the leader knows what it does
    FAILS(ECHILD, waitpid(started(), &status, 0));
    return 0;
}
