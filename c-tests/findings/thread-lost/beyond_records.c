// More threads than there are records for: the kernel counts them all, and none is reported as unseen by the hooks.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT-NO-EVENT: fork threads=[recorded=false]
// EXPECT-EVENT: fork counts.threads=5001 count=1
#define THREADS 5000
#include "many_threads.h"
