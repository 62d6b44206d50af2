// Each kind of descriptor is listed as what it is, with where it came from.
// EXPECT-EVENT: fork descriptors=[fd=30,kind=pipe,origin=recorded]
// EXPECT-EVENT: fork descriptors=[fd=31,kind=eventfd,origin=recorded]
// EXPECT-EVENT: fork descriptors=[fd=32,kind=timerfd,origin=recorded]
// EXPECT-EVENT: fork descriptors=[fd=33,kind=signalfd,origin=recorded]
// EXPECT-EVENT: fork descriptors=[fd=34,kind=memfd,origin=recorded]
// EXPECT-EVENT: fork descriptors=[fd=35,kind=device,origin=recorded,path=/dev/null]
// EXPECT-EVENT: fork descriptors=[fd=36,kind=directory,origin=recorded,path=/]
// EXPECT-EVENT: fork descriptors=[fd=37,kind=eventfd,origin=unknown]
// EXPECT-EVENT: fork descriptors=[fd=0,origin=start]
#include "../../process.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static void move(int fd, int to) {
    CHECK(fd >= 0 && dup2(fd, to) == to && close(fd) == 0);
}

int main(void) {
    int ends[2];
    sigset_t none;
    sigemptyset(&none);
    CHECK(pipe(ends) == 0);
    move(ends[0], 30);
    move(eventfd(0, 0), 31);
    move(timerfd_create(CLOCK_MONOTONIC, 0), 32);
    move(signalfd(-1, &none, 0), 33);
    move(memfd_create("fixture", 0), 34);
    move(open("/dev/null", O_RDWR), 35);
    move(open("/", O_RDONLY | O_DIRECTORY), 36);
    int raw = (int)syscall(SYS_eventfd2, 0, 0);
    CHECK(syscall(SYS_dup2, raw, 37) == 37 && syscall(SYS_close, raw) == 0);
    fork_living_child();
    return 0;
}
