// A worker waits for its own signal handler, which writes into a pipe that was made before the fork: the worker has both ends on purpose.
// EXPECT-NOT: pipe-inherited severity=error
// STDERR-NOT: pipe-inherited
#include "fixture.h"

static int ends[2];

static void wake(int signal) {
    (void)signal;
    if (write(ends[1], "", 1) != 1)
        abort();
}

int main(void) {
    char byte;
    CHECK(pipe(ends) == 0);
    struct sigaction action = {.sa_handler = wake, .sa_flags = SA_RESTART};
    CHECK(sigaction(SIGTERM, &action, NULL) == 0);
    pid_t worker = fork();
    CHECK(worker >= 0);
    if (worker == 0) {
        struct sigaction own = {.sa_handler = wake, .sa_flags = SA_RESTART};
        sigaction(SIGTERM, &own, NULL);
        _exit(read(ends[0], &byte, 1) != 1);
    }
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    pid_t sender = fork();
    CHECK(sender >= 0);
    if (sender == 0) {
        until_blocked_in(SYS_read, worker);
        // Its leader looks several times in this time.
        poll(NULL, 0, 200);
        _exit(kill(worker, SIGTERM) != 0);
    }
    EXITED(worker, 0);
    EXITED(sender, 0);
    return 0;
}
