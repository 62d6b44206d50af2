// A thread inside setlocale: it waits for a locale's file, a FIFO.
// EXPECT: lock-orphaned severity=warning subject~worker text~setlocale
// EXPECT-EVENT: fork locks=[kind=libc,name~setlocale,holder_name=worker]
#include "../../process.h"
#include <locale.h>
#include <sys/stat.h>

static void *body(void *unused) {
    worker_tid = gettid();
    setlocale(LC_CTYPE, "fifo");
    return unused;
}

int main(void) {
    char path[4096];
    CHECK(mkdir("fifo", 0700) == 0 && mkfifo("fifo/LC_CTYPE", 0600) == 0);
    CHECK(setenv("LOCPATH", getcwd(path, sizeof path), 1) == 0);
    start_worker_blocked_in(SYS_openat, body);
    fork_living_child();
    return 0;
}
