// forkpty forks inside libc too.
// LIBS: -lutil
// EXPECT-EVENT: fork kind=forkpty detail=full count=1
// EXPECT: thread-lost subject~worker
#include "../../process.h"
#include <pty.h>

static void *body(void *unused) {
    (void)unused;
    stay();
}

int main(void) {
    int terminal;
    start_worker(body);
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    CHECK(child >= 0);
    if (child == 0)
        live();
    EXITED(child, 0);
    return 0;
}
