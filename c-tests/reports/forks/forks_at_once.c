// Twelve threads are in the middle of a fork at the same time: each fork is reported in full, once.
// GLIBC: 2.36 calls the handlers of atfork without a lock; before, this program hangs by itself
// EXPECT-EVENT: fork kind=fork count=12
// EXPECT-EVENT: fork kind=fork detail=full counts.threads=13 count=12
// EXPECT-EVENT: exit forks=12 count=1
#define FORKS 12
#include "forks_at_once.h"
