// More threads than a report lists: all are counted, what is not listed is said to be missing, and what is told is told in whole.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT: thread-lost severity=warning
// EXPECT-NOT: thread-lost subject=''
// EXPECT-EVENT: fork counts.threads=1001 count=1
// EXPECT-NO-EVENT: fork truncated.threads=0
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
    for (int index = 0; index < 1000; index++)
        CHECK(pthread_create(&thread, &small, body, NULL) == 0);
    fork_living_child();
    _exit(0);
}
