// A name written to the kernel's file crosses no hook: the report reads it from the kernel.
// EXPECT: thread-lost subject~by-comm
#include "../../process.h"
#include <fcntl.h>

static void *body(void *unused) {
    (void)unused;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", gettid());
    int fd = open(path, O_WRONLY);
    CHECK(fd >= 0 && write(fd, "by-comm", 7) == 7 && close(fd) == 0);
    stay();
}

int main(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    EVENTUALLY(in_place);
    fork_living_child();
    return 0;
}
