// ENV: FORKGUARD_SOCKETS=sever
// A handler set before the fork writes into the leader's self-pipe: under the guard it wakes the child alone. A pipe and a pair of sockets.
// EXPECT-NOT: connection-shared-use
// EXPECT-EVENT: guarded guard=sockets subject~self-pipe action~own
#include "../../process.h"
#include <fcntl.h>
#include <sys/socket.h>

static int ends[2];

static void wake(int signal) {
    (void)signal;
    if (write(ends[1], "!", 1) != 1)
        _exit(3);
}

static void be_woken(void) {
    char byte;
    settle();
    CHECK(raise(SIGUSR1) == 0);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == '!');
    CHECK(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
}

static void run(void) {
    CHECK(signal(SIGUSR1, wake) != SIG_ERR);
    fork_working_child(be_woken);
    char byte;
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EAGAIN);
}

int main(void) {
    CHECK(pipe(ends) == 0);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    run();
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    run();
    return 0;
}
