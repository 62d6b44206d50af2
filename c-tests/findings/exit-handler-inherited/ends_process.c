// A handler of the leader's ends its helper, and its process group, in a child that ends by exit.
// EXPECT: exit-handler-inherited severity=warning state=hit subject~end_helper() subject~SIGTERM sites=[role=created,frames.function=start_helper]
// EXPECT: exit-handler-inherited severity=warning state=hit subject~end_group() subject~SIGHUP subject~group
// STDERR: exit-handler-inherited (warning)
#include "helper.h"

static void end_helper(void) { kill(helper, SIGTERM); }
static void end_group(void) { killpg(getpgrp(), SIGHUP); }

int main(void) {
    signal(SIGHUP, SIG_IGN);
    CHECK(setpgid(0, 0) == 0);
    start_helper();
    CHECK(atexit(end_helper) == 0 && atexit(end_group) == 0);
    pid_t child = fork();
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    KILLED(helper, SIGTERM);
    _exit(0);
}
