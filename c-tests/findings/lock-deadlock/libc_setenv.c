// A lost thread is inside setenv: it allocates there, by the program's own realloc, with libc's lock held.
// EXPECT: lock-orphaned severity=warning subject~worker subject~setenv count=1
// EXPECT: lock-deadlock severity=error state=hit subject~worker subject~setenv count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../hanging_child.h"

void *__libc_malloc(size_t size);
void *__libc_realloc(void *memory, size_t size);

static _Thread_local bool stays;

void *realloc(void *memory, size_t size) {
    if (stays)
        stay();
    return __libc_realloc(memory, size);
}

// From glibc 2.41 on.
void *malloc(size_t size) {
    if (stays)
        stay();
    return __libc_malloc(size);
}

static void worker_body(void) {
    stays = true;
    setenv("NEW", "value", 1);
}

static void child_body(void) {
    setenv("OTHER", "value", 1);
}
