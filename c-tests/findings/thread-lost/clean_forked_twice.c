// A child that forks for a helper before it settles, and lives on: the thread is missing in the child, and no matter to the helper.
// EXPECT: thread-lost severity=warning state=open subject~worker count=1
// EXPECT-EVENT: child findings.warning=1 count=1
// EXPECT-EVENT: child findings.warning=0 count=1
#include "../../worker.h"

static void worker_body(void) {
}

int main(void) {
    start_worker(run_and_stay);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        pid_t helper = fork();
        CHECK(helper >= 0);
        if (helper == 0) {
            poll(NULL, 0, 1000);
            _exit(0);
        }
        EXITED(helper, 0);
        live();
    }
    EXITED(child, 0);
    return 0;
}
