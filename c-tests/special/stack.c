// Prints the stack as glibc's backtrace() has it, MODULE+OFFSET a line, where it makes a socket: what is reported must be the same.
// LIBS: -ldl
#include "../process.h"
#include <alloca.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <sys/socket.h>
#include <ucontext.h>

static void make(const char *what) {
    void *addresses[64];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int count = backtrace(addresses, 64);
    CHECK(fd >= 0);
    for (int i = 0; i < count; i++) {
        Dl_info info;
        if (dladdr(addresses[i], &info))
            printf("%s %d %s %zu\n", what, fd, info.dli_fname, (char *)addresses[i] - 1 - (char *)info.dli_fbase);
    }
}

// Frames of changing size, addressed by rbp.
__attribute__((noinline)) static int deep(const char *what, int level) {
    volatile char *room = alloca(16 + 700 * (level % 5));
    room[0] = (char)level;
    if (level == 0)
        make(what);
    else
        deep(what, level - 1);
    return room[0];
}

// Through the C library.
static int compare(const void *a, const void *b) {
    static int times;
    if (times++ == 0)
        deep("callback", 3);
    return *(const int *)a - *(const int *)b;
}

static void handler(int number) {
    (void)number;
    make("handler");
}

static void *thread(void *unused) {
    deep("thread", 5);
    return unused;
}

static ucontext_t here, there;

static void coroutine(void) {
    deep("coroutine", 2);
}

int main(void) {
    int numbers[] = {3, 1, 2};
    make("main");
    deep("deep", 12);
    qsort(numbers, 3, sizeof *numbers, compare);
    CHECK(signal(SIGUSR1, handler) != SIG_ERR && raise(SIGUSR1) == 0);
    in_thread(thread, NULL);

    static char stack[64 << 10];
    CHECK(getcontext(&there) == 0);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = sizeof stack;
    there.uc_link = &here;
    makecontext(&there, coroutine, 0);
    CHECK(swapcontext(&here, &there) == 0);
    fflush(stdout);
    fork_living_child();
    return 0;
}
