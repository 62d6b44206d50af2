// An alarm that is set.
// EXPECT: timer-lost severity=warning state=open count=1
// EXPECT-EVENT: fork timers=[call=alarm]
#include "../../process.h"
#include <sys/time.h>

int main(void) {
    CHECK(alarm(5000) == 0);
    fork_living_child();
    return 0;
}
