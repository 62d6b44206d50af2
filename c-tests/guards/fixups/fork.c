// A fixup forks, twice: its children go on inside it and run what is registered behind it, each once.
// EXPECT-EVENT: fixup name=forks progress=begins count=1
// EXPECT-EVENT: fixup name=after progress=begins count=4
// EXPECT-EVENT: fixup name=after progress=done count=4
#include "fixture.h"

static atomic_int *entered, *after;

static void forks(void *unused) {
    (void)unused;
    ++*entered;
    for (int round = 0; round < 2; round++)
        CHECK(fork() >= 0);
}

static void counts(void *unused) {
    (void)unused;
    ++*after;
}

int main(void) {
    entered = shared(2 * sizeof *entered);
    after = entered + 1;
    registered("forks", forks, NULL);
    registered("after", counts, NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        while (wait(NULL) > 0)
            ;
        _exit(0);
    }
    EXITED(child, 0);
    CHECK(*entered == 1 && *after == 4);
    return 0;
}
