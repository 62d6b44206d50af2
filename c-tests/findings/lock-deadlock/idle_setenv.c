// Both call the C library's setenv itself, past every hook: it jumps on to a function that keeps its frame by rbp, because its size is not fixed, while the
// wait inside of that leaves rbp alone.
// FLAGS: -g -O2
// EXPECT: lock-deadlock severity=error subject~'in setenv() for a lock inside the C library' count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.function=sets,frames.function=main] count=1
// EXPECT-LAST: lock-orphaned hit text~setenv count=1
// EXPECT-NOT: join-lost-thread
#include "../../worker.h"
#include <dlfcn.h>
#include <poll.h>

void *__libc_malloc(size_t size);
void *__libc_realloc(void *memory, size_t size);

static _Thread_local bool stays;
static int (*set)(const char *, const char *, int);

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
    set("NEW", "value", 1);
}

__attribute__((noinline)) static void sets(void) {
    set("OTHER", "value", 1);
    CHECK(!"came back");
}

int main(void) {
    void *library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    // By its version: without one, it is the hook.
    CHECK(library && (set = dlvsym(library, "setenv", "GLIBC_2.2.5")));
    start_worker(run_and_stay);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        sets();
    for (int round = 0; round < 200 && !reported(getpid(), "lock-deadlock"); round++)
        poll(NULL, 0, 100);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(WIFSIGNALED(status_of(child)));
    return 0;
}
