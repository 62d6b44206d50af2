// A lock of the standard library, inlined: the line is the application's, not the header's.
// FLAGS: -O2
// EXPECT: lock-orphaned at~cpp.cc:14 subject~guarded count=1
// EXPECT: thread-lost at~cpp.cc:22 count=1
// EXPECT-NOT: lock-orphaned at~/usr/include
// STDERR: taken at cpp.cc:14 in work
#include <mutex>
#include <thread>
#include "../../check.h"

static std::mutex guarded;
static volatile bool in_place;
static void work() {
    std::lock_guard<std::mutex> guard(guarded);
    in_place = true;
    for (;;)
        syscall(SYS_pause);
}

int main() {
    // Not detached in the same expression: the line of the call is this one.
    std::thread worker(work);
    worker.detach();
    EVENTUALLY(in_place);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        usleep(10000);
        _exit(0);
    }
    EXITED(child, 0);
    _exit(0);
}
