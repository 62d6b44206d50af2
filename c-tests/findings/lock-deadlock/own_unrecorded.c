// A process of one thread forks while it holds a plain mutex, of which nothing is recorded, and its child locks it again. No option cures that.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=fork,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// STDERR: held by the forking thread itself since before the fork
// STDERR: cure: release it before the fork, or fork where it is not held
// STDERR-NOT: FORKGUARD_LOCKS
#include "alone_mutex.c"
