// Children that wait for signals.
#pragma once
#include "../../process.h"

__attribute__((unused)) static void note(int unused) {
    (void)unused;
}

__attribute__((unused)) static void note_too(int unused) {
    (void)unused;
}

__attribute__((unused)) static void wait_for_signals(void) {
    for (;;)
        pause();
}

// Forks a child that does `first`, and then `live`; it has done the first when this returns.
__attribute__((unused)) static pid_t fork_child(void (*first)(void), void (*live)(void)) {
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (first)
            first();
        CHECK(write(ready[1], "r", 1) == 1);
        live();
    }
    CHECK(read(ready[0], &(char){0}, 1) == 1);
    CHECK(close(ready[0]) == 0 && close(ready[1]) == 0);
    return child;
}

// Ends a child by a signal.
__attribute__((unused)) static void end_by(pid_t child, int signal_number) {
    CHECK(kill(child, signal_number) == 0);
    int status = status_of(child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signal_number);
}
