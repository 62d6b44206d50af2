// Programs that get every signal: the child unblocks it, file attributes do, it is ignored for the program alone, or it is SIGHUP.
// ENV: FORKGUARD=observe
// EXPECT-EVENT: exec
// EXPECT-NOT: signals-blocked state=hit
#include "../../programs.h"

static void unblock(void) {
    sigset_t set;
    sigemptyset(&set);
    CHECK(pthread_sigmask(SIG_SETMASK, &set, NULL) == 0);
}

// As a shell does for what runs in the background.
static void ignore_interrupts(void) {
    unblock();
    CHECK(signal(SIGINT, SIG_IGN) != SIG_ERR && signal(SIGQUIT, SIG_IGN) != SIG_ERR && signal(SIGTERM, SIG_IGN) != SIG_ERR);
}

int main(void) {
    CHECK(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    block(SIGTERM);
    fork_and_execute(unblock);
    fork_and_execute(ignore_interrupts);
    CHECK(signal(SIGTERM, SIG_IGN) != SIG_ERR);
    posix_spawnattr_t attributes;
    sigset_t none, reset;
    sigemptyset(&none);
    sigemptyset(&reset);
    sigaddset(&reset, SIGTERM);
    CHECK(posix_spawnattr_init(&attributes) == 0 && posix_spawnattr_setsigmask(&attributes, &none) == 0);
    CHECK(posix_spawnattr_setsigdefault(&attributes, &reset) == 0);
    CHECK(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0);
    spawn_true(&attributes);
    CHECK(posix_spawnattr_destroy(&attributes) == 0);
    return 0;
}
