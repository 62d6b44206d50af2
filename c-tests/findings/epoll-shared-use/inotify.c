// A child that reads from its leader's inotify instance takes the event away. The leader may have made the instance for it: info.
// EXPECT: epoll-shared-use severity=info state=hit subject~inotify sites=[role=opened,frames.module~PROGRAM] sites=[role=used,frames.module~PROGRAM] count=1
// EXPECT-NOT: epoll-shared-use severity=error
// STDERR-NOT: epoll-shared-use
#include "../../process.h"
#include <fcntl.h>
#include <sys/inotify.h>

int main(void) {
    char event[4096];
    int watcher = inotify_init1(IN_CLOEXEC);
    CHECK(watcher >= 0 && inotify_add_watch(watcher, ".", IN_CREATE) >= 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int made = open("made", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        CHECK(made >= 0 && read(watcher, event, sizeof event) > 0);
        _exit(0);
    }
    EXITED(child, 0);
    return 0;
}
