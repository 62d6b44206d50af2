// main has left by pthread_exit: the kernel keeps it until the process ends, but nobody loses it.
// EXPECT-NOT: thread-lost
// EXPECT-EVENT: fork counts.threads=1 count=1
// EXPECT-NO-EVENT: fork threads=[recorded=false]
#include "../../process.h"

static bool main_is_a_zombie(void) {
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", getpid());
    FILE *stream = fopen(path, "re");
    CHECK(stream != NULL && fgets(text, sizeof text, stream));
    fclose(stream);
    return strrchr(text, ')')[2] == 'Z';
}

static void *fork_without_main(void *unused) {
    (void)unused;
    EVENTUALLY(main_is_a_zombie());
    fork_living_child();
    exit(0);
}

int main(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, fork_without_main, NULL) == 0);
    pthread_exit(NULL);
}
