// ENV: FORKGUARD_THREADS=revive
// A thread that the program marked serves the child, and the child of that.
// EXPECT-EVENT: child cures=[guard=threads,action='started again',subject~worker]
// EXPECT-LAST: thread-lost resolved because~forkguard count=2
// EXPECT-NOT: join-lost-thread
#include "fixture.h"

static void ask_in_grandchild(void) {
    CHECK(tasks() == 2);
    ask();
    until_blocked_in(SYS_futex, worker_tid);
    poll(NULL, 0, 10);
    fork_working_child(ask);
    ask();
}

int main(void) {
    CHECK(forkguard_mark_thread_restartable && forkguard_mark_thread_restartable(start_server(serve, NULL)) == 0);
    fork_working_child(ask_in_grandchild);
    ask();
    return 0;
}
