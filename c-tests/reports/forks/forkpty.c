// forkpty forks inside libc too.
// LIBS: -lutil
// EXPECT-EVENT: fork kind=forkpty detail=full count=1
// EXPECT: thread-lost subject~worker
#include "../../process.h"
#include <pty.h>

int main(void) {
    int terminal;
    start_worker(stay_idle);
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    CHECK(child >= 0);
    if (child == 0)
        live();
    EXITED(child, 0);
    return 0;
}
