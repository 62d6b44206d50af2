// Programs that are started with signals blocked or ignored.
#pragma once
#include "check.h"
#include <spawn.h>

extern char **environ;

__attribute__((unused)) static void block(int signal_number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

// A child that does `prepare` and becomes another program.
__attribute__((unused)) static void fork_and_execute(void (*prepare)(void)) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (prepare)
            prepare();
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    EXITED(child, 0);
}

__attribute__((unused)) static void spawn_true(const posix_spawnattr_t *attributes) {
    pid_t child;
    CHECK(posix_spawn(&child, "/bin/true", NULL, attributes, (char *[]){"true", NULL}, environ) == 0);
    EXITED(child, 0);
}
