// A thread of thrd_create, which crosses no pthread_create; named by prctl.
// EXPECT: thread-lost severity=warning subject~c11-worker
// EXPECT-EVENT: fork threads=[name=c11-worker,recorded=true]
#include "../../process.h"
#include <sys/prctl.h>
#include <threads.h>

static int body(void *unused) {
    (void)unused;
    prctl(PR_SET_NAME, "c11-worker");
    stay();
}

int main(void) {
    thrd_t thread;
    CHECK(thrd_create(&thread, body, NULL) == thrd_success);
    EVENTUALLY(in_place);
    fork_living_child();
    return 0;
}
