// ENV: FORKGUARD_MEMORY=ksm
// Leader and children offer their pages to ksmd, where the kernel knows that.
// EXPECT-EVENT: child cures=[guard=memory,action='offered to ksmd']
#include "../../process.h"
#include <errno.h>
#include <sys/prctl.h>

static void is_offered(void) { CHECK(prctl(68 /* PR_GET_MEMORY_MERGE */, 0, 0, 0, 0) == 1 || errno == EINVAL); }

int main(void) {
    fork_working_child(is_offered);
    is_offered();
    fork_working_child(is_offered);
    return 0;
}
