// What waited in the leader's stream at the fork is the leader's to write: a daemon that has closed all descriptors loses nothing when it flushes
// its copy, or ends with it.
// EXPECT-NOT: closed-descriptor-used
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: closed-descriptor-used
#include "fixture.h"

static void flushes(void) {
    close_all_upwards();
    fflush(log_stream);
}

static void ends(void) {
    close_all_upwards();
    exit(0);
}

int main(void) {
    open_log();
    CHECK(fputs("waits\n", log_stream) >= 0);
    in_daemon(flushes);
    in_daemon(ends);
    return 0;
}
