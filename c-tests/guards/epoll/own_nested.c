// ENV: FORKGUARD_EPOLL=own
// An instance that watches another one is left as it is, which the report lists; the inner one becomes the child's own.
// EXPECT-EVENT: child cures=[guard=epoll,failed=16]
// EXPECT-EVENT: child cures=[guard=epoll,action~own]
// EXPECT-LAST: epoll-inherited resolved because~forkguard count=1
#include "../../process.h"
#include <sys/epoll.h>

int main(void) {
    int outer = epoll_create1(EPOLL_CLOEXEC), inner = epoll_create1(EPOLL_CLOEXEC);
    CHECK(outer >= 0 && inner >= 0);
    CHECK(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &(struct epoll_event){.events = EPOLLIN}) == 0);
    fork_living_child();
    return 0;
}
