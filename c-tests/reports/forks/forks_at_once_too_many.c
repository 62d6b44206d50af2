// More threads are in the middle of a fork than can be reported in full: each fork is reported all the same, once, with its kind.
// EXPECT-EVENT: fork kind=fork count=24
// EXPECT-EVENT: fork count=24
// EXPECT-EVENT: exit forks=24 spawns=0 count=1
#define FORKS 24
#include "forks_at_once.h"
