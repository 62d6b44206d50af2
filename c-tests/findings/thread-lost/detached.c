// A detached thread is as lost as another.
// EXPECT: thread-lost severity=warning subject~worker
// EXPECT-EVENT: fork threads=[name=worker,detached=true]
#include "../../process.h"

static void *body(void *unused) {
    (void)unused;
    stay();
}

int main(void) {
    CHECK(pthread_detach(start_worker(body)) == 0);
    fork_living_child();
    return 0;
}
