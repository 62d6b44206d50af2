// Terminals of which no program gets a master: each program its own, the other end of one, one that is closed on exec, one that the child closes, one
// that is its standard output, and one that a program has which this process waits for.
// ENV: FORKGUARD=observe
// EXPECT-NOT: fd-leaked-exec
// EXPECT-EVENT: fork kind=forkpty count=2
// EXPECT-EVENT: fork kind=fork count=2
#include "../../terminals.h"

static int master, slave;

static void close_master(void) {
    CHECK(close(master) == 0);
}

static void become_output(void) {
    CHECK(dup2(master, 1) == 1 && close(master) == 0);
}

int main(void) {
    struct terminal first = start_terminal();
    CHECK(fcntl(first.master, F_SETFD, FD_CLOEXEC) == 0);
    struct terminal second = start_terminal();
    CHECK(close(second.master) == 0 && close(first.master) == 0);
    status_of(first.program), status_of(second.program);
    int closed = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK(closed >= 0 && openpty(&master, &slave, NULL, NULL, NULL) == 0);
    fork_and_execute(close_master);
    fork_and_execute(become_output);
    CHECK(system("exit 0") == 0);
    return 0;
}
