// Threads that ended before the fork, joined or detached, are not lost.
// EXPECT-NOT: thread-lost
// EXPECT-EVENT: fork counts.threads=1
// STDERR-NOT: short
#include "../../tasks.h"

static void *body(void *unused) {
    pthread_setname_np(pthread_self(), "short");
    return unused;
}

int main(void) {
    pthread_t thread;
    for (int index = 0; index < 100; index++) {
        in_thread(body, NULL);
        CHECK(pthread_create(&thread, NULL, body, NULL) == 0 && pthread_detach(thread) == 0);
    }
    EVENTUALLY(tasks() == 1);
    fork_living_child();
    return 0;
}
