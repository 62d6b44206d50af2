// A lost thread walks the loaded libraries: the child cannot.
// EXPECT: lock-deadlock severity=error state=hit subject~worker subject~'inside dl_iterate_phdr()' count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-orphaned hit text~dl_iterate_phdr count=1
#include "../../library_list_walker.h"

static void child_body(void) {
    dl_iterate_phdr(stay_there, NULL);
}

int main(void) {
    start_worker_blocked_in(SYS_pause, walk_libraries);
    fork_hanging_child("lock-deadlock", child_body);
    // exit would walk them, too.
    _exit(0);
}
