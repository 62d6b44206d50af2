// The child closes the inherited instance and makes its own, under the same number.
// EXPECT: epoll-inherited state=open count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: epoll-inherited resolved count=1
#include "../../process.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int epoll, event;
static struct epoll_event readable = {.events = EPOLLIN};

static void make_anew(void) {
    CHECK(close(epoll) == 0 && epoll_create1(EPOLL_CLOEXEC) == epoll);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &readable) == 0);
    CHECK(epoll_wait(epoll, &(struct epoll_event){0}, 1, 1) == 0);
}

int main(void) {
    CHECK((epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0 && (event = eventfd(0, EFD_CLOEXEC)) >= 0);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &readable) == 0);
    fork_working_child(make_anew);
    return 0;
}
