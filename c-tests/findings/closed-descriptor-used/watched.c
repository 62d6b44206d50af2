// Daemons close all descriptors but their log's, and go on with the event loop, the table and the pipe that their leader had opened: what they add to the
// loop, wait for or read fails. What has the loop's number by now makes no difference.
// EXPECT: closed-descriptor-used severity=error state=hit subject~'is closed: what is watched there is lost' count=2
// EXPECT: closed-descriptor-used severity=error state=hit subject~'is closed: nothing can be read there' count=2
// EXPECT: closed-descriptor-used severity=error state=hit subject~'other.pid now: what is watched there' count=1
// EXPECT: closed-descriptor-used sites=[role=opened,frames.function=open_loop] sites=[role=used,frames.function=adds]
// EXPECT: closed-descriptor-used sites=[role=opened,frames.function=open_loop] sites=[role=used,frames.function=waits]
// EXPECT: closed-descriptor-used sites=[role=opened,frames.function=open_loop] sites=[role=used,frames.function=reads]
// EXPECT-LAST: epoll-inherited hit
// STDERR: meant for the epoll instance that was closed with all others
#include "loops.h"

__attribute__((noinline)) static void adds(void) {
    close_all_but_log();
    FAILS(EBADF, epoll_ctl(loop, EPOLL_CTL_ADD, 0, &(struct epoll_event){.events = EPOLLIN}));
    FAILS(EBADF, epoll_ctl(loop, EPOLL_CTL_ADD, 0, &(struct epoll_event){.events = EPOLLIN}));
}

__attribute__((noinline)) static void waits(void) {
    close_all_but_log();
    usleep(1000);
    FAILS(EBADF, epoll_wait(loop, &(struct epoll_event){0}, 1, 1000));
}

__attribute__((noinline)) static void reads(void) {
    close_all_but_log();
    FAILS(EBADF, read(table, &(char){0}, 1));
    FAILS(EBADF, read(wakes[0], &(char){0}, 1));
}

static void waits_for_other(void) {
    close_all_but_log();
    for (int fd = 0; fd < loop;)
        CHECK((fd = open("other.pid", O_CREAT | O_RDWR, 0600)) >= 0);
    FAILS(EINVAL, epoll_wait(loop, &(struct epoll_event){0}, 1, 1000));
}

int main(void) {
    open_loop();
    open_log();
    in_daemon(adds);
    in_daemon(waits);
    in_daemon(reads);
    in_daemon(waits_for_other);
    return 0;
}
