// A thread's name and the program's own path may be anybody's choice: on stderr nothing of them steers a terminal.
// EXPECT: thread-lost count=1
// STDERR: thread "\u{1b}[2J\u{202e}\u{200b}"
#include "../../process.h"

int main(void) {
    pthread_t thread = start_worker(stay_idle);
    CHECK(pthread_setname_np(thread, "\033[2J\u202e\u200b") == 0);
    fork_living_child();
    return 0;
}
