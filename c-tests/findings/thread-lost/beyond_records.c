// More threads than there are records for: the kernel counts them all, and none is said to have come past the hooks.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT-NO-EVENT: fork threads=[recorded=false]
// EXPECT-EVENT: fork counts.threads=5001 count=1
#include "../../process.h"

static void *body(void *unused) {
    for (;;)
        syscall(SYS_pause);
    return unused;
}

int main(void) {
    pthread_attr_t small;
    pthread_t thread;
    CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 65536) == 0);
    for (int index = 0; index < 5000; index++)
        CHECK(pthread_create(&thread, &small, body, NULL) == 0);
    fork_living_child();
    _exit(0);
}
