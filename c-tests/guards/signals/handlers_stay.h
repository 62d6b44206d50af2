// The handlers of USR1 and TERM stay in the child, which gets what was sent before it could.
#pragma once
#include "fixture.h"

static void check(void) {
    CHECK(is_caught(SIGUSR1) && is_caught(SIGTERM));
    CHECK(handled == 0);
    sigset_t signals;
    CHECK(sigfillset(&signals) == 0 && sigprocmask(SIG_UNBLOCK, &signals, NULL) == 0);
    CHECK(handled == SIGUSR1 + SIGTERM);
}

int main(void) {
    sigset_t signals;
    CHECK(sigemptyset(&signals) == 0 && sigaddset(&signals, SIGUSR1) == 0 && sigaddset(&signals, SIGTERM) == 0);
    set_handler(SIGUSR1);
    set_handler(SIGTERM);
    fork_child_sent(&signals, check);
    return 0;
}
