// A worker holds a lock while main forks, gives it up when main waits for that, and takes it again at once: which it may only when the
// fork is over. A fixture defines the lock: `hold`, `let_go`, and `use`, which the child must get through.
#pragma once
#include "../../process.h"

static atomic_bool forks_now;

static void hold(void);
static void let_go(void);
static void use(void);

static void *hold_until_waited_for(void *unused) {
    (void)unused;
    hold();
    in_place = true;
    EVENTUALLY(forks_now);
    // From here on main sleeps nowhere else.
    until_blocked_in(SYS_nanosleep, getpid());
    let_go();
    hold();
    stay();
}

static void use_or_die(void) {
    alarm(20);
    use();
    alarm(0);
}

#ifndef OWN_MAIN
int main(void) {
    start_worker(hold_until_waited_for);
    forks_now = true;
    fork_working_child(use_or_die);
    return 0;
}
#endif
