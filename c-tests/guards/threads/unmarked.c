// ENV: FORKGUARD_THREADS=revive
// A native thread that the program did not mark stays lost.
// EXPECT-LAST: thread-lost open subject~worker count=1
// EXPECT-EVENT: child cures_unlisted=0
// EXPECT-NO-EVENT: child cures=[guard=threads]
#include "fixture.h"

int main(void) {
    start_server(serve, NULL);
    fork_working_child(be_alone);
    ask();
    return 0;
}
