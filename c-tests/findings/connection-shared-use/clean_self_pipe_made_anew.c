// The child makes its own self-pipe before a signal comes.
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-EVENT: fork kind=fork count=1
#include "../../sockets.h"

static int ends[2];

static void wake(int signal_number) {
    (void)signal_number;
    CHECK(send(ends[1], "w", 1, MSG_DONTWAIT) == 1);
}

static void make(void) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
}

static void get_signal(void) {
    char byte;
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    make();
    CHECK(raise(SIGUSR1) == 0);
    CHECK(recv(ends[0], &byte, 1, 0) == 1);
}

int main(void) {
    make();
    CHECK(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = wake}, NULL) == 0);
    fork_working_child(get_signal);
    return 0;
}
