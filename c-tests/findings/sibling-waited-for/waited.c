// Children wait for the end of a process that their leader forked, by each of the three functions: it runs, and is none of theirs.
// EXPECT: sibling-waited-for severity=error state=hit subject~'is no child of the process that waits for it' count=3
// EXPECT: sibling-waited-for sites=[role=started,frames.function=start_sibling] sites=[role=waits,frames.function=by_waitpid]
// EXPECT: sibling-waited-for sites=[role=waits,frames.function=by_wait4]
// EXPECT: sibling-waited-for sites=[role=waits,frames.function=by_waitid]
// EXPECT-LAST: sibling-waited-for hit
// STDERR: cure: wait for it in the process that started it
#include "fixture.h"

__attribute__((noinline)) static void by_waitpid(void) {
    FAILS(ECHILD, waitpid(sibling, NULL, 0));
    FAILS(ECHILD, waitpid(sibling, NULL, 0));
}

__attribute__((noinline)) static void by_wait4(void) {
    int status;
    struct rusage usage;
    FAILS(ECHILD, wait4(sibling, &status, WUNTRACED, &usage));
}

__attribute__((noinline)) static void by_waitid(void) {
    siginfo_t info;
    FAILS(ECHILD, waitid(P_PID, (id_t)sibling, &info, WEXITED));
}

int main(void) {
    start_sibling();
    in_other_child(by_waitpid);
    in_other_child(by_wait4);
    in_other_child(by_waitid);
    end_sibling();
    return 0;
}
