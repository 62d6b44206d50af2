// ENV: FORKGUARD_THREADS=revive
// ENV: FORKGUARD=observe
// Who observes starts nothing.
// EXPECT-LAST: thread-lost open subject~worker count=1
// EXPECT-EVENT: child cures_unlisted=0
// EXPECT-NO-EVENT: child cures=[guard=threads]
#include "fixture.h"

int main(void) {
    CHECK(forkguard_mark_thread_restartable && forkguard_mark_thread_restartable(start_server(serve, NULL)) == 0);
    fork_working_child(be_alone);
    ask();
    return 0;
}
