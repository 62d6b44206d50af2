// Threads are cancelled in the middle of a fork, by a prepare handler, more of them than can fork at once: later forks are reported as ever.
// GLIBC: 2.36 calls the handlers of atfork without a lock; before, this program hangs by itself
// EXPECT-EVENT: fork kind=fork detail=full count=1
// EXPECT-EVENT: child count=1
#include "../../process.h"

static void prepare(void) {
    pthread_testcancel();
}

static void *fork_cancelled(void *unused) {
    CHECK(pthread_cancel(pthread_self()) == 0);
    fork();
    return unused;
}

int main(void) {
    CHECK(pthread_atfork(prepare, NULL, NULL) == 0);
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        void *result;
        CHECK(pthread_create(&thread, NULL, fork_cancelled, NULL) == 0);
        CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    }
    fork_living_child();
    return 0;
}
