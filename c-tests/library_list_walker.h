// A worker that walks the loaded libraries (dl_iterate_phdr) and does not come back, so that it holds the lock of their list.
#include "process.h"
#include <link.h>

static int stay_there(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)info, (void)size, (void)unused;
    worker_tid = gettid();
    pause();
    return 1;
}

static void *walk_libraries(void *unused) {
    dl_iterate_phdr(stay_there, NULL);
    return unused;
}
