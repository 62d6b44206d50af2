// An inotify instance is shared in the same way.
// EXPECT: epoll-inherited severity=info text~inotify count=1
// EXPECT-EVENT: fork descriptors=[kind=inotify,origin=recorded]
#include "../../process.h"
#include <sys/inotify.h>

int main(void) {
    CHECK(inotify_init1(IN_CLOEXEC) >= 0);
    fork_living_child();
    return 0;
}
