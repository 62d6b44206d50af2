// A fixup jumps out of fork(): the report has no end of it, and the child's own children get theirs as ever.
// EXPECT-EVENT: fixup name=jumps progress=begins count=3
// EXPECT-NO-EVENT: fixup progress=done
// EXPECT-EVENT: child settled=select count=1
#include "fixture.h"
#include <setjmp.h>
#include <sys/select.h>

static atomic_int *jumped;
static sigjmp_buf place;

static void jumps(void *unused) {
    (void)unused;
    ++*jumped;
    siglongjmp(place, 1);
}

static void fork_here(void) {
    if (sigsetjmp(place, 1) == 0) {
        pid_t child = fork();
        CHECK(child > 0);
        EXITED(child, 0);
        _exit(0);
    }
}

// From further down the stack than the fixup ran, over whatever that left there.
__attribute__((noinline)) static void fork_deeper(void) {
    volatile char used[1 << 16];
    for (size_t index = 0; index < sizeof used; index++)
        used[index] = 1;
    fork_here();
}

int main(void) {
    jumped = shared(sizeof *jumped);
    registered("jumps", jumps, NULL);
    pid_t leader = getpid();
    fork_here();
    CHECK(*jumped == 1 && getppid() == leader);
    fork_here();
    CHECK(*jumped == 2);
    fork_deeper();
    CHECK(*jumped == 3);
    // Without the fixup it would have settled at its first wait; after a second it has in any case.
    for (int round = 0; round < 11; round++) {
        struct timeval time = {0, 100000};
        select(0, NULL, NULL, NULL, &time);
    }
    _exit(0);
}
