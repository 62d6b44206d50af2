// Closed before the fork; the child makes its own after it.
// EXPECT-NOT: epoll-inherited
// EXPECT-EVENT: child settled~epoll_wait count=1
#include "../../process.h"
#include <sys/epoll.h>

int main(void) {
    CHECK(close(epoll_create1(0)) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct epoll_event event;
        _exit(epoll_wait(epoll_create1(0), &event, 1, 10));
    }
    EXITED(child, 0);
    return 0;
}
