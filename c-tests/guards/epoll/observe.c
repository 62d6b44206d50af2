// ENV: FORKGUARD_EPOLL=own
// ENV: FORKGUARD=observe
// Who observes changes nothing: the child takes its leader's registration away.
// EXPECT: epoll-shared-use severity=error
// EXPECT-EVENT: child cures_unlisted=0
#include "../../process.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int epoll, ready;

static void remove_it(void) { CHECK(epoll_ctl(epoll, EPOLL_CTL_DEL, ready, NULL) == 0); }

int main(void) {
    CHECK((epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0 && (ready = eventfd(1, EFD_CLOEXEC)) >= 0);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &(struct epoll_event){.events = EPOLLIN}) == 0);
    fork_working_child(remove_it);
    CHECK(epoll_wait(epoll, &(struct epoll_event){0}, 1, 0) == 0);
    return 0;
}
