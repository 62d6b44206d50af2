// An epoll instance with members, shared with the leader.
// EXPECT: epoll-inherited severity=info state=open count=1
// EXPECT: epoll-inherited sites=[role=opened,frames.function=main] sites=[role=added,frames.function=watch]
// EXPECT-EVENT: fork descriptors=[kind=epoll,origin=recorded,members=40]
#include "../../process.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

__attribute__((noinline)) void watch(int epoll, int fd) {
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN}) == 0);
}

int main(void) {
    int epoll = epoll_create1(EPOLL_CLOEXEC), event = eventfd(0, 0);
    CHECK(dup2(event, 40) == 40 && close(event) == 0);
    watch(epoll, 40);
    fork_living_child();
    return 0;
}
