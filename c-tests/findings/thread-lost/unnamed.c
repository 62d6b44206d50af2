// A thread that nobody named is not called by its process, as the kernel does.
// EXPECT: thread-lost severity=warning subject~'an unnamed thread (tid' count=1
// STDERR: cure: start the thread (unnamed.c:
#include "../../process.h"

static void *body(void *unused) {
    (void)unused;
    stay();
}

int main(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    EVENTUALLY(in_place);
    fork_living_child();
    return 0;
}
