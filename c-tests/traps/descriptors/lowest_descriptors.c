// A program counts on the lowest free number: the library keeps its own descriptors out of the way, before and after forks.
#include "../../check.h"
#include <fcntl.h>

static int lowest(void) {
    int fd = open("/dev/null", O_RDONLY);
    CHECK(fd >= 0 && close(fd) == 0);
    return fd;
}

static void child_counts(void *expected) {
    CHECK(lowest() == *(int *)expected);
    CHECK(close_range(3, ~0U, 0) == 0);
    CHECK(lowest() == 3);
    pid_t grandchild = fork();
    CHECK(grandchild >= 0);
    if (grandchild == 0) {
        CHECK(lowest() == 3);
        _exit(0);
    }
    EXITED(grandchild, 0);
    CHECK(lowest() == 3);
}

int main(void) {
    int first = lowest();
    in_child(child_counts, &first);
    CHECK(lowest() == first);
    printf("lowest: %d\n", first);
    return 0;
}
