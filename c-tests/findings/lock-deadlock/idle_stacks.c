// Children wait for a lock past every hook, each in a function that keeps its frame in another way: the leader finds all that called it. The kernel tells it
// instruction and stack pointer only, and what was called before lies on the stack, too.
// FLAGS: -g -O2 -fno-inline -fno-optimize-sibling-calls -fno-ipa-cp
// EXPECT: lock-deadlock severity=error count=9
// EXPECT: lock-deadlock sites=[role=waits,frames.function=plain,frames.function=child,frames.function=main] count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.function=without_optimization,frames.function=child,frames.function=main] count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.function=of_any_size,frames.function=child,frames.function=main] count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.function=jumped_to_of_any_size,frames.function=child,frames.function=main] count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.function=aligned,frames.function=child,frames.function=main] count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.function=compares,frames.function=sorts,frames.function=child,frames.function=main] count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.function=handles,frames.function=interrupted,frames.function=child,frames.function=main] count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.function=rarely,frames.function=child,frames.function=main] count=1
// EXPECT: lock-deadlock sites=[role=waits,frames.function=many_registers,frames.function=child,frames.function=main] count=1
// EXPECT-NOT: lock-deadlock sites=[role=waits,frames.function=earlier]
// EXPECT-NOT: lock-deadlock sites=[role=waits,frames.function=deeper]
// EXPECT-NOT: join-lost-thread
#include "native_lock.h"
#include <alloca.h>
#include <poll.h>

static own_lock lock = 1;
static volatile int size = 200;

static void keeps(volatile void *memory) {
    __asm__ volatile("" : : "r"(memory) : "memory");
}

// The compiler leaves the frame pointer alone.
static void plain(void) {
    own_lock_inline(&lock);
    keeps(&lock);
}

__attribute__((optimize("O0"))) static void without_optimization(void) {
    char memory[100];
    keeps(memory);
    own_lock_inline(&lock);
}

static void of_any_size(void) {
    char *memory = alloca(size);
    keeps(memory);
    own_lock_inline(&lock);
    keeps(memory);
}

// As setenv in the C library: what its caller called jumps on.
static void jumped_to_of_any_size(int room) {
    char *memory = alloca(room);
    keeps(memory);
    own_lock_inline(&lock);
    keeps(memory);
}

__attribute__((optimize("optimize-sibling-calls"))) static void jumped_to(void) {
    if (size < 0)
        abort();
    jumped_to_of_any_size(size);
}

static void aligned(void) {
    _Alignas(64) char memory[64];
    char *more = alloca(size);
    keeps(memory);
    keeps(more);
    own_lock_inline(&lock);
    keeps(memory);
}

__attribute__((optimize("O0"))) static int compares(const void *one, const void *other) {
    own_lock_inline(&lock);
    lock = 0;
    return one < other;
}

static void sorts(void) {
    int numbers[] = {3, 1, 2};
    qsort(numbers, 3, sizeof *numbers, compares);
    keeps(numbers);
}

__attribute__((optimize("O0"))) static void handles(int unused) {
    (void)unused;
    own_lock_inline(&lock);
}

static void interrupted(void) {
    __asm__ volatile("syscall" : : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1) : "rcx", "r11", "memory");
    keeps(&lock);
}

// What is called rarely lies elsewhere in the program.
static void rarely(void) {
    char *memory = alloca(size);
    if (__builtin_expect(size > 100, 0)) {
        keeps(memory);
        own_lock_inline(&lock);
        abort();
    }
    keeps(memory);
}

static void many_registers(void) {
    __asm__ volatile("" : : : "rbx", "rbp", "r12", "r13", "r14", "r15", "memory");
    own_lock_inline(&lock);
    __asm__ volatile("" : : : "rbx", "rbp", "r12", "r13", "r14", "r15", "memory");
}

static void free_for_now(void (*body)(void)) {
    lock = 0;
    body();
    lock = 1;
}

// They leave return addresses on the stack, deeper than the child's own.
static void deeper(void (*body)(void)) {
    volatile char memory[300];
    free_for_now(body);
    keeps(memory);
}

static void earlier(void (*body)(void)) {
    volatile char memory[40];
    deeper(body);
    deeper(body);
    keeps(memory);
}

static void child(void (*body)(void)) {
    earlier(plain);
    earlier(without_optimization);
    if (body != rarely)
        earlier(body);
    body();
    abort();
}

int main(void) {
    static void (*const bodies[])(void) = {plain, without_optimization, of_any_size, jumped_to, aligned, sorts, interrupted, rarely, many_registers};
    enum { COUNT = sizeof bodies / sizeof *bodies };
    pid_t children[COUNT];
    CHECK(signal(SIGUSR1, handles) == SIG_DFL);
    start_worker(stay_idle);
    for (int i = 0; i < COUNT; i++) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0)
            child(bodies[i]);
        until_blocked_in(SYS_futex, children[i]);
    }
    for (int round = 0; round < 50; round++)
        poll(NULL, 0, 100);
    for (int i = 0; i < COUNT; i++) {
        CHECK(kill(children[i], SIGKILL) == 0);
        CHECK(WIFSIGNALED(status_of(children[i])));
    }
    return 0;
}
