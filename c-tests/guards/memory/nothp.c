// ENV: FORKGUARD_MEMORY=nothp
// A child gets no huge pages, its leader does.
// EXPECT-EVENT: child cures=[guard=memory,action='switched off',subject='huge pages']
#include "../../process.h"
#include <sys/prctl.h>

static void has_none(void) { CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1); }

int main(void) {
    fork_working_child(has_none);
    CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0);
    return 0;
}
