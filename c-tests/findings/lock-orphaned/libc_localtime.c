// A thread inside localtime: it waits for the time zone's file, a FIFO, with libc's lock held.
// EXPECT: lock-orphaned severity=warning subject~worker text~localtime
// EXPECT-EVENT: fork locks=[kind=libc,name~localtime,holder_name=worker]
#include "../../process.h"
#include <sys/stat.h>

static void *body(void *unused) {
    worker_tid = gettid();
    localtime(&(time_t){0});
    return unused;
}

int main(void) {
    CHECK(mkfifo("zone", 0600) == 0);
    char zone[4096] = ":";
    CHECK(getcwd(zone + 1, sizeof zone - 8) != NULL);
    CHECK(setenv("TZ", strcat(zone, "/zone"), 1) == 0);
    start_worker_blocked_in(SYS_openat, body);
    fork_living_child();
    return 0;
}
