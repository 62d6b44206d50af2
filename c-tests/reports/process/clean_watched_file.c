// An open file that the program watches: telling what it is must not touch it.
// EXPECT-EVENT: fork descriptors=[kind=file,path~watched]
#include "../../process.h"
#include <fcntl.h>
#include <sys/inotify.h>

int main(void) {
    char event[4096], text[] = "SQLite format 3";
    int file = open("watched", O_CREAT | O_RDWR, 0600), watch = inotify_init1(IN_NONBLOCK);
    CHECK(file >= 0 && write(file, text, sizeof text) == sizeof text);
    CHECK(watch >= 0 && inotify_add_watch(watch, "watched", IN_ALL_EVENTS) >= 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        poll(NULL, 0, 10);
        FAILS(EAGAIN, read(watch, event, sizeof event));
        _exit(0);
    }
    FAILS(EAGAIN, read(watch, event, sizeof event));
    // The child's end closes nothing: the leader still has the file.
    EXITED(child, 0);
    FAILS(EAGAIN, read(watch, event, sizeof event));
    return 0;
}
