// Children that ask descriptors in passing, without waiting, and end: as little their first wait for work as any other call.
// EXPECT-LAST: thread-lost moot count=40
// EXPECT-LAST: lock-orphaned moot count=40
// EXPECT-NO-EVENT: child
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: worker
#include "fixture.h"

static int signals, ends[2];

static void look_and_be_gone(void) {
    uint64_t count;
    char byte;
    CHECK(read(signals, &count, sizeof count) == -1 && errno == EAGAIN);
    CHECK(recv(ends[0], &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

int main(void) {
    make_hazards();
    CHECK((signals = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    fork_children(look_and_be_gone);
    return 0;
}
