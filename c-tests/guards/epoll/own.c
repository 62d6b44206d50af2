// ENV: FORKGUARD_EPOLL=own
// What the child does to the epoll instance it inherited reaches its own copy: the leader's watches what it watched, the copy watched the same.
// EXPECT-EVENT: child cures=[guard=epoll,action~own]
// EXPECT-LAST: epoll-inherited resolved because~forkguard count=1
// EXPECT-NOT: epoll-shared-use
#include "../../process.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int epoll, ready, quiet;

static bool watches(uint64_t data) {
    struct epoll_event event;
    return epoll_wait(epoll, &event, 1, 0) == 1 && event.data.u64 == data && event.events == EPOLLIN;
}

static void use(void) {
    CHECK(fcntl(epoll, F_GETFD) == FD_CLOEXEC);
    CHECK(watches(0x123456789abcdef0));
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, quiet, &(struct epoll_event){0}) == -1 && errno == EEXIST);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_DEL, ready, NULL) == 0 && epoll_ctl(epoll, EPOLL_CTL_DEL, quiet, NULL) == 0);
    CHECK(epoll_wait(epoll, &(struct epoll_event){0}, 1, 0) == 0);
}

int main(void) {
    CHECK((epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0);
    CHECK((ready = eventfd(1, EFD_CLOEXEC)) >= 0 && (quiet = eventfd(0, EFD_CLOEXEC)) >= 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcdef0};
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &event) == 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, quiet, &event) == 0);
    fork_working_child(use);
    CHECK(watches(0x123456789abcdef0));
    return 0;
}
