// A native thread that sleeps in a call: its finding says where. (No hook of ours sees this call.)
// EXPECT: thread-lost subject~worker sites=[role=stood,frames.function=wait_for_news,frames.module~PROGRAM] count=1
#include "../../process.h"

static volatile int news;

__attribute__((noinline)) static void wait_for_news(void) {
    syscall(SYS_pause);
    news++;
}

static void *body(void *unused) {
    worker_tid = gettid();
    wait_for_news();
    return unused;
}

int main(void) {
    start_worker_blocked_in(SYS_pause, body);
    fork_living_child();
    return 0;
}
