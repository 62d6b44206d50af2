// A handler writes into the self-pipe that the leader made and the child has both ends of, as event loops do: the leader reads it.
// EXPECT: connection-shared-use severity=error state=hit count=1
// EXPECT: connection-shared-use sites=[role=opened,frames.module~PROGRAM] sites=[role=used,frames.module~PROGRAM]
#include "../../sockets.h"

static int ends[2];

static void wake(int signal_number) {
    (void)signal_number;
    CHECK(send(ends[1], "w", 1, MSG_DONTWAIT) == 1);
}

static void get_signal(void) {
    CHECK(raise(SIGUSR1) == 0);
}

int main(void) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    CHECK(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = wake}, NULL) == 0);
    fork_working_child(get_signal);
    return 0;
}
