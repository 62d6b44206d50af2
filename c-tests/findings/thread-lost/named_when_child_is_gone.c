// A thread without a name at the fork, whose child has ended when the thread takes one: that is no news of the child.
// EXPECT: thread-lost count=1
#include "../../process.h"

static int gone[2];
static atomic_bool has_name;

static void *work(void *unused) {
    (void)unused;
    char byte;
    CHECK(read(gone[0], &byte, 1) == 1);
    CHECK(pthread_setname_np(pthread_self(), "late") == 0);
    has_name = true;
    return stay_idle(NULL);
}

int main(void) {
    pthread_t thread;
    CHECK(pipe(gone) == 0);
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        settle();
        exit(0);
    }
    EXITED(child, 0);
    CHECK(write(gone[1], "g", 1) == 1);
    EVENTUALLY(has_name);
    _exit(0);
}
