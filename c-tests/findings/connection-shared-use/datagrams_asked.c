// Leader and child ask over one socket for datagrams, which has no port but what the first question gave it.
// EXPECT: connection-shared-use severity=error state=hit subject~'UDP socket' count=1
// EXPECT: connection-shared-use sites=[role=opened,frames.module~PROGRAM] sites=[role=used,frames.module~PROGRAM]
// EXPECT-LAST: connection-shared-use hit
// EXPECT-NOT: connection-inherited
// STDERR: in the child, after fork (pthread_atfork)
// STDERR-NOT: FORKGUARD_SOCKETS
#include "datagrams.h"

int main(void) {
    int fd = bound_socket(&server);
    client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(client >= 0);
    say();
    answer(fd);
    hear();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        say();
        hear();
        _exit(0);
    }
    answer(fd);
    EXITED(child, 0);
    return 0;
}
