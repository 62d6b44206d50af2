// A thread that runs while its process forks stood nowhere.
// EXPECT: thread-lost subject~worker count=1
// EXPECT-NOT: thread-lost sites=[role=stood]
#include "../../process.h"

static void *body(void *unused) {
    worker_tid = gettid();
    for (;;)
        __asm__ volatile("");
    return unused;
}

int main(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    CHECK(pthread_setname_np(thread, "worker") == 0);
    EVENTUALLY(worker_tid);
    fork_living_child();
    _exit(0);
}
