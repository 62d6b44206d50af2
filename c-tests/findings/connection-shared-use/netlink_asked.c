// Leader and child ask the kernel by one netlink socket: each may read what the other one asked for.
// EXPECT: connection-shared-use severity=error state=hit subject~'netlink socket, descriptor' count=1
// EXPECT: connection-shared-use sites=[role=opened,frames.function=open_netlink] sites=[role=used,frames.function=hears]
// EXPECT-LAST: connection-shared-use hit
// STDERR: cure: make the socket
// STDERR-NOT: FORKGUARD_SOCKETS
#include "netlink.h"

int main(void) {
    open_netlink();
    asks();
    hears();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        asks();
        hears();
        asks();
        hears();
        _exit(0);
    }
    EXITED(child, 0);
    return 0;
}
