// The child changes and waits on its leader's epoll instance, each in a child of its own.
// EXPECT: epoll-inherited severity=info count=5
// EXPECT: epoll-shared-use severity=error state=hit count=5
// EXPECT: epoll-shared-use sites=[role=opened,frames.module~PROGRAM] sites=[role=used,frames.module~PROGRAM]
// EXPECT-LAST: epoll-inherited hit count=5
// STDERR: epoll-shared-use
#include "../../process.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int epoll, event, other;
static struct epoll_event readable = {.events = EPOLLIN};

static void add(void) { CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &readable) == 0); }
static void change(void) { CHECK(epoll_ctl(epoll, EPOLL_CTL_MOD, event, &readable) == 0); }
static void delete(void) { CHECK(epoll_ctl(epoll, EPOLL_CTL_DEL, event, NULL) == 0); }
static void wait_plainly(void) { CHECK(epoll_wait(epoll, &(struct epoll_event){0}, 1, 0) == 0); }
static void wait_masked(void) { CHECK(epoll_pwait(epoll, &(struct epoll_event){0}, 1, 0, NULL) == 0); }

int main(void) {
    void (*const uses[])(void) = {add, change, delete, wait_plainly, wait_masked};
    for (size_t index = 0; index < sizeof uses / sizeof *uses; index++) {
        CHECK((epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0);
        CHECK((event = eventfd(0, EFD_CLOEXEC)) >= 0 && (other = eventfd(0, EFD_CLOEXEC)) >= 0);
        CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &readable) == 0);
        fork_working_child(uses[index]);
        CHECK(close(epoll) == 0 && close(event) == 0 && close(other) == 0);
    }
    return 0;
}
