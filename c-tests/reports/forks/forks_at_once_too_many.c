// More threads are in the middle of a fork than can be reported in full: each fork is reported all the same, once, with its kind.
// GLIBC: 2.36 calls the handlers of atfork without a lock; before, this program hangs by itself
// EXPECT-EVENT: fork kind=fork count=24
// EXPECT-EVENT: fork count=24
// EXPECT-EVENT: exit forks=24 spawns=0 count=1
#define FORKS 24
#include "forks_at_once.h"
