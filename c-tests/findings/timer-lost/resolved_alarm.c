// The child arms the timer again that it has lost.
// EXPECT: timer-lost severity=warning state=open count=1
// EXPECT-LAST: timer-lost resolved count=1
#include "../../process.h"
#include <sys/time.h>

static void arm(void) {
    alarm(5000);
}

int main(void) {
    arm();
    fork_working_child(arm);
    return 0;
}
