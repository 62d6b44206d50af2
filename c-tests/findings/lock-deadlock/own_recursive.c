// The forking thread holds its own recursive mutex: the child's thread is another one to it, and relocks for ever.
// EXPECT: lock-deadlock severity=error state=hit count=1
// EXPECT: lock-deadlock sites=[role=taken,frames.module~PROGRAM] sites=[role=waits,frames.module~PROGRAM]
// EXPECT-LAST: lock-deadlock hit
// EXPECT-LAST: lock-orphaned hit count=1
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

#include "own_mutex.h"
