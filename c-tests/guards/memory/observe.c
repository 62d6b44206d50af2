// ENV: FORKGUARD_MEMORY=trim,ksm,nothp
// ENV: FORKGUARD=observe
// Who observes changes nothing.
// STDERR-NOT: ksm
#include "../../process.h"
#include <sys/prctl.h>

static void has_all(void) { CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0 && prctl(68 /* PR_GET_MEMORY_MERGE */, 0, 0, 0, 0) <= 0); }

int main(void) {
    fork_working_child(has_all);
    return 0;
}
