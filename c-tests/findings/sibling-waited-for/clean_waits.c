// Children that wait for their own, or for any; that only ask; that close their copy of a pipe to a program; whose exit handler waits for what its
// leader forked; and that wait for what has ended.
// EXPECT-NOT: sibling-waited-for
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: sibling-waited-for
#include "fixture.h"

static FILE *program;

static void for_own(void) {
    siginfo_t info;
    for (int round = 0; round < 2; round++) {
        pid_t own = fork();
        CHECK(own >= 0);
        if (own == 0)
            _exit(0);
        if (round == 0)
            EXITED(own, 0);
        else
            CHECK(waitid(P_PID, (id_t)own, &info, WEXITED) == 0);
    }
}

static void for_any(void) {
    FAILS(ECHILD, waitpid(-1, NULL, 0));
    FAILS(ECHILD, wait(NULL));
}

static void only_asks(void) {
    siginfo_t info;
    FAILS(ECHILD, waitpid(sibling, NULL, WNOHANG));
    FAILS(ECHILD, wait4(sibling, NULL, WNOHANG, NULL));
    FAILS(ECHILD, waitid(P_PID, (id_t)sibling, &info, WEXITED | WNOHANG));
}

static void closes_its_copy(void) { CHECK(pclose(program) == -1); }

static void wait_at_end(void) { waitpid(sibling, NULL, 0); }

static void ends(void) {
    CHECK(atexit(wait_at_end) == 0);
    exit(0);
}

static void for_what_has_ended(void) { FAILS(ECHILD, waitpid(sibling, NULL, 0)); }

int main(void) {
    program = popen("cat > /dev/null", "we");
    CHECK(program != NULL);
    start_sibling();
    in_other_child(for_own);
    in_other_child(for_any);
    in_other_child(only_asks);
    in_other_child(closes_its_copy);
    in_other_child(ends);
    end_sibling();
    start_sibling();
    pid_t ended = sibling;
    end_sibling();
    start_sibling();
    pid_t running = sibling;
    sibling = ended;
    in_other_child(for_what_has_ended);
    sibling = running;
    end_sibling();
    CHECK(pclose(program) == 0);
    return 0;
}
