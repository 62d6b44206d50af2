// ENV: FORKGUARD_EPOLL=own
// What the leader closes leaves its epoll instance, though the child has it open still; what it duplicated stays watched.
// EXPECT: epoll-inherited count=1
#include "../../process.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int epoll;

static int watched(uint64_t data) {
    int fd = eventfd(1, EFD_CLOEXEC);
    CHECK(fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.u64 = data}) == 0);
    return fd;
}

static void live_on(void) { pause(); }

int main(void) {
    CHECK((epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0);
    int closed = watched(1), duplicated = watched(2);
    CHECK(dup(duplicated) >= 0);
    pid_t child = fork();
    if (child == 0)
        live_on();
    CHECK(child > 0 && close(closed) == 0 && close(duplicated) == 0);
    struct epoll_event events[4];
    CHECK(epoll_wait(epoll, events, 4, 0) == 1 && events[0].data.u64 == 2);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    return 0;
}
