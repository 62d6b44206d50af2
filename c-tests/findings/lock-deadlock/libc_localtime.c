// A lost thread is inside localtime: the child calls mktime, which needs the same lock inside libc.
// EXPECT: lock-deadlock severity=error state=hit subject~worker subject~localtime count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-orphaned hit text~localtime count=1
#include "../../process.h"
#include <sys/stat.h>

static void *body(void *unused) {
    worker_tid = gettid();
    localtime(&(time_t){0});
    return unused;
}

static void child_body(void) {
    mktime(&(struct tm){.tm_year = 100});
}

int main(void) {
    CHECK(mkfifo("zone", 0600) == 0);
    char zone[4096] = ":";
    CHECK(getcwd(zone + 1, sizeof zone - 8) != NULL);
    CHECK(setenv("TZ", strcat(zone, "/zone"), 1) == 0);
    start_worker_blocked_in(SYS_openat, body);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
