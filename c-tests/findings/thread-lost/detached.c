// A detached thread is as lost as another.
// EXPECT: thread-lost severity=warning subject~worker
// EXPECT-EVENT: fork threads=[name=worker,detached=true]
#include "../../process.h"

int main(void) {
    CHECK(pthread_detach(start_worker(stay_idle)) == 0);
    fork_living_child();
    return 0;
}
