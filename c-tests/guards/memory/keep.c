// By default nothing is given back, merged or switched off.
// EXPECT-EVENT: child cures_unlisted=0
#include "../../process.h"
#include <sys/prctl.h>

static void has_all(void) { CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0 && prctl(68 /* PR_GET_MEMORY_MERGE */, 0, 0, 0, 0) <= 0); }

int main(void) {
    fork_working_child(has_all);
    return 0;
}
